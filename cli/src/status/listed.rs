//! All accounts in a table: which ones, in which order, and how many.

use std::collections::BTreeSet;

use berth_ledger::{Record, Status, Unreadable};
use berth_tenancy::AccountId;
use jiff::Timestamp;

use super::{
    UNREADABLE, approval,
    args::{SortBy, StatusArgs},
    drift, leaving, style, why,
};
use crate::{
    output, paint,
    table::{Cell, Table, since},
};

/// The records that the filters let through. An account that failed before its environment was known may be of any.
pub(crate) fn chosen(args: &StatusArgs, mut records: Vec<Record>) -> Vec<Record> {
    let StatusArgs { status, environment, drifted, sort, limit, account: _, watch: _ } = args;
    records.retain(|record| {
        (status.is_empty() || status.contains(&record.status))
            && (!drifted || drift::of_note(record).is_some())
            && environment.as_ref().is_none_or(|name| match &record.environment {
                Some(known) => known == name,
                None => record.status == Status::Failed,
            })
    });
    order(&mut records, *sort);
    records.truncate(limit.unwrap_or(usize::MAX));
    records
}

/// The newest first by age; else by what is named, and then by account.
fn order(records: &mut [Record], sort: SortBy) {
    records.sort_by(|a, b| {
        let by_account = || a.account_id.cmp(&b.account_id);
        match sort {
            SortBy::Account => by_account(),
            SortBy::Age => b.shown_since().cmp(&a.shown_since()).then_with(by_account),
            SortBy::Environment => a.environment.cmp(&b.environment).then_with(by_account),
            SortBy::Status => a.status.name().cmp(b.status.name()).then_with(by_account),
            SortBy::Tenant => a.tenant.cmp(&b.tenant).then_with(by_account),
        }
    });
}

/// Prints them for a person.
pub(crate) fn table(records: &[Record], unreadable: &[Unreadable], redriven: &BTreeSet<AccountId>, now: Timestamp) {
    if records.is_empty() && unreadable.is_empty() {
        output::aside("no account to show");
        return;
    }
    let titles = ["ACCOUNT", "STATUS", "ENVIRONMENT", "TENANT", since(), "NAME+", "LAST RUN+", "EXECUTION+", "NOTE?"];
    let mut table = Table::new(titles);
    for record in records {
        table.row([
            record.account_id.as_str().into(),
            Cell::painted(record.status.name(), style(record.status)),
            Cell::or_none(record.environment.as_ref()),
            Cell::or_none(record.tenant.as_ref()),
            Cell::age(record.shown_since(), now),
            Cell::or_none(record.account_name.as_ref()),
            record.since.to_string().into(),
            Cell::or_none(record.execution_arn.as_ref()),
            Cell::painted(note(record, redriven), paint::waiting),
        ]);
    }
    for item in unreadable {
        let account = item.account_id.as_ref().map_or(item.key.as_str(), AccountId::as_str);
        let nothing = || Cell::or_none(None::<&str>);
        let (status, note) = (Cell::painted(UNREADABLE, paint::bad), why(item).into());
        table.row([account.into(), status, nothing(), nothing(), nothing(), nothing(), nothing(), nothing(), note]);
    }
    table.print();
}

/// What a person should know of an account besides its status.
fn note(record: &Record, redriven: &BTreeSet<AccountId>) -> String {
    let again = redriven.contains(&record.account_id).then(|| "redriven, running again".to_owned());
    let notes = again.into_iter().chain(approval::note(record)).chain(leaving::note(record));
    let notes: Vec<String> = notes.chain(drift::note(record)).collect();
    notes.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::tests::record, *};

    #[test]
    fn filters_by_status_and_environment_both_count() {
        let all = || vec![record("failed"), record("onboarded")];
        let args = |status: Vec<Status>, environment: Option<&str>| StatusArgs {
            account: None,
            status,
            environment: environment.map(|name| name.parse().unwrap()),
            sort: SortBy::Account,
            limit: None,
            drifted: false,
            watch: false,
        };
        assert_eq!(chosen(&args(vec![], None), all()).len(), 2);
        assert_eq!(chosen(&args(vec![Status::Failed], Some("dev")), all()).len(), 1);
        assert_eq!(chosen(&args(vec![Status::Failed], Some("prod")), all()).len(), 0);
        let unknown = |status| vec![Record { environment: None, ..record(status) }];
        assert_eq!(chosen(&args(vec![], Some("prod")), unknown("failed")).len(), 1, "it may be of prod");
        assert_eq!(chosen(&args(vec![], Some("prod")), unknown("ignored")).len(), 0);
    }

    #[test]
    fn a_list_is_sorted_and_then_cut() {
        let of = |account: &str, tenant: &str, since: &str| {
            let value = json!({
                "accountId": account, "status": "failed", "generation": 1, "since": since, "tenant": tenant,
            });
            serde_json::from_value::<Record>(value).unwrap()
        };
        let all = || {
            vec![
                of("111122223333", "shop", "2026-11-01T00:00:00Z"),
                of("333344445555", "books", "2026-11-03T00:00:00Z"),
                of("222233334444", "shop", "2026-11-02T00:00:00Z"),
            ]
        };
        let listed = |sort, limit| {
            let args = StatusArgs {
                account: None,
                status: Vec::new(),
                environment: None,
                drifted: false,
                sort,
                limit,
                watch: false,
            };
            let firsts: String =
                chosen(&args, all()).iter().map(|record| record.account_id.as_str().get(..1).unwrap()).collect();
            firsts
        };
        assert_eq!(listed(SortBy::Account, None), "123");
        assert_eq!(listed(SortBy::Age, None), "321");
        assert_eq!(listed(SortBy::Tenant, None), "312");
        assert_eq!(listed(SortBy::Age, Some(1)), "3");
        assert_eq!(listed(SortBy::Status, Some(0)), "");
    }
}
