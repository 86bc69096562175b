//! Wiring of `plan-offboarding`: settings, clients, serve.

use berth_planning::Planner;
use berth_step::serve;
use jiff::Timestamp;
use plan_offboarding::PlanOffboarding;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let step = PlanOffboarding(Planner::from_env().await?);
    let step = &step;
    serve("plan-offboarding", |input| step.handle(input, Timestamp::now())).await
}
