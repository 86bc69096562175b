//! `berth config`: which hub, profile, region and deployment a command would use, and where each of it comes from.

use serde_json::{Map, Value, json};

use crate::{
    args::Target,
    aws::{
        self,
        query::{self, Refusal},
    },
    hubs::{Setting, Told},
    outcome::{Exit, Problem},
    output,
    table::{Cell, NONE, Table},
    target::{self, Deployment},
};

/// Shows it, and that AWS knows who is asking. What cannot be found out is said at the end; the rest is shown before.
pub(crate) async fn run(target: &Target) -> Result<Exit, Problem> {
    let told = Told::read(target)?;
    let mut rows = Rows::default();
    let ended = match target::local_one(target, &told)? {
        Some(running) => {
            rows.add("aws", &running.endpoint, "the local AWS, which runs");
            let deployment = target::on_local(&running).await?;
            found(&deployment, None, &mut rows).await
        }
        None => on_aws(&told, &mut rows).await,
    };
    rows.print();
    ended.map(|()| Exit::Done)
}

async fn on_aws(told: &Told, rows: &mut Rows) -> Result<(), Problem> {
    rows.told("hub", told.hub.as_ref());
    rows.told("profile", told.profile.as_ref());
    let reached = aws::reach(told).await;
    let (source, region) = match &reached {
        Ok(reached) => (Some(reached.source.described()), reached.config.region().map(ToString::to_string)),
        Err(_) => (None, None),
    };
    match (&told.region, region) {
        (Some(region), _) => rows.told("region", Some(region)),
        (None, Some(region)) => rows.add("region", &region, "the profile"),
        (None, None) => rows.add("region", NONE, "nobody says it"),
    }
    let reached = reached?;
    if let Some(endpoint) = reached.config.endpoint_url() {
        rows.add("endpoint", endpoint, "AWS_ENDPOINT_URL, or endpoint_url of the profile");
    }
    rows.add("credentials", &source.unwrap_or_default(), "the profile and the environment");
    let deployment = target::on_aws(told, reached);
    rows.told("stack", Some(&told.stack));
    rows.told("ledgerTable", Some(&told.ledger_table));
    found(&deployment, told.state_machine_arn.as_ref(), rows).await
}

/// What AWS says: who is asking, and where the state machine is. [STS `GetCallerIdentity`]
async fn found(deployment: &Deployment, machine: Option<&Setting<String>>, rows: &mut Rows) -> Result<(), Problem> {
    let body = "Action=GetCallerIdentity&Version=2011-06-15".to_owned();
    let refused = |code: &str, message: &str| {
        let what = format!("sts:GetCallerIdentity failed: {code}: {message}");
        Problem::credentials(what, "sign in anew, or renew the keys")
    };
    let text = query::call(deployment, "sts", body).await?;
    let text = text.map_err(|Refusal { code, message }| refused(&code, &message))?;
    let arn = query::value(&text, "Arn").ok_or_else(|| refused("200 OK", ""))?;
    rows.add("identity", &arn, "STS");
    let from = machine.map_or("the stack's output, or the local AWS", |machine| &machine.from);
    rows.add("stateMachineArn", deployment.state_machine().await?, from);
    Ok(())
}

/// Setting, value, origin.
#[derive(Debug, Default)]
struct Rows(Vec<(&'static str, String, String)>);

impl Rows {
    fn add(&mut self, name: &'static str, value: &str, from: &str) {
        self.0.push((name, value.to_owned(), from.to_owned()));
    }

    fn told(&mut self, name: &'static str, setting: Option<&Setting<String>>) {
        match setting {
            Some(Setting { value, from }) => self.add(name, value, from),
            None => self.add(name, NONE, "nobody says it"),
        }
    }

    fn print(&self) {
        if output::is_data() {
            let field = |(name, value, from): &(&str, String, String)| {
                ((*name).to_owned(), json!({ "value": value, "from": from }))
            };
            output::data(&Value::Object(self.0.iter().map(field).collect::<Map<String, Value>>()));
            return;
        }
        let mut table = Table::new(["SETTING", "VALUE", "FROM"]);
        for (name, value, from) in &self.0 {
            table.row([Cell::from(*name), value.as_str().into(), from.as_str().into()]);
        }
        table.print();
    }
}
