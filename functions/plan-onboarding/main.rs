//! Wiring of `plan-onboarding`: settings, clients, serve.

use berth_planning::Planner;
use berth_step::serve;
use jiff::Timestamp;
use plan_onboarding::PlanOnboarding;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let step = PlanOnboarding(Planner::from_env().await?);
    let step = &step;
    serve("plan-onboarding", |input| step.handle(input, Timestamp::now())).await
}
