//! The organization's own tags: on every part when it is made, and repaired on every part that lost one.
#![allow(clippy::unwrap_used, clippy::panic)]

use berth_tenancy::{ORGANIZATION_TAGS_MAX, TierPlan, TierRouting};

use crate::{
    Change, Input, State,
    decide_tests::{changes, finished, input},
};

/// With a public tier, and these tags of the organization.
fn tagged(count: usize) -> Input {
    let mut input = input();
    let tier = TierPlan { name: "public".to_owned(), prefix_length: 27, routing: TierRouting::Public };
    input.network.tiers.push(tier);
    input.run.tags.all = (0..count).map(|n| (format!("key-{n}"), "a".to_owned())).collect();
    input
}

/// Ids of everything in the finished region that carries tags of ours.
fn ids(observed: &State) -> Vec<String> {
    let vpc = observed.vpc.iter().map(|vpc| &vpc.id);
    let parts = observed.subnets.iter().map(|subnet| &subnet.id).chain(observed.tables.iter().map(|table| &table.id));
    let others =
        observed.endpoints.iter().map(|endpoint| &endpoint.id).chain(observed.flow_logs.iter().map(|log| &log.id));
    vpc.chain(parts).chain(observed.gateway.iter().map(|gateway| &gateway.id)).chain(others).cloned().collect()
}

#[test]
fn every_part_gets_a_tag_that_the_organization_adds() {
    let before = finished(&tagged(0));
    let lines: Vec<String> = changes(&tagged(1), &before);
    let mut expected: Vec<String> = ids(&before).iter().map(|id| format!("tag {id} with key-0")).collect();
    assert_eq!(expected.len(), 1 + 6 + 2 + 1 + 2 + 1, "{expected:?}");
    let mut sorted = lines;
    sorted.sort();
    expected.sort();
    assert_eq!(sorted, expected);
}

#[test]
fn what_has_the_tags_needs_nothing_and_those_that_left_the_file_stay() {
    assert_eq!(changes(&tagged(2), &finished(&tagged(2))), [""; 0]);
    assert_eq!(changes(&tagged(0), &finished(&tagged(2))), [""; 0]);
}

#[test]
fn one_tag_that_somebody_changed_is_set_again_and_tags_of_others_stay() {
    let input = tagged(2);
    for id in ids(&finished(&input)) {
        let mut observed = finished(&input);
        let foreign = [("key-1", "theirs"), ("owner", "somebody")].into_iter().collect();
        observed.apply(&input, &Change::TagResource { id: id.clone(), tags: foreign }, None);
        let crate::Decision::Act(batch) = crate::decide::decide(&input, &observed).unwrap() else { panic!("{id}") };
        let tags = [("key-1", "a")].into_iter().collect();
        assert_eq!(batch, [Change::TagResource { id, tags }]);
    }
}

#[test]
fn a_part_without_our_own_tags_is_not_tagged() {
    let (none, one) = (tagged(0), tagged(1));
    let mut observed = finished(&none);
    observed.endpoints.iter_mut().for_each(|endpoint| endpoint.tags.0.clear());
    observed.flow_logs.iter_mut().for_each(|log| log.tags.0.clear());
    let lines = changes(&one, &observed).join("\n");
    assert!(lines.contains("tag vpc-(new)") && !lines.contains("vpce-") && !lines.contains("fl-"), "{lines}");
}

#[test]
fn the_most_tags_that_the_file_takes_fit_beside_ours() {
    let input = tagged(ORGANIZATION_TAGS_MAX);
    let observed = finished(&input);
    let most = observed.subnets.iter().map(|subnet| subnet.tags.0.len()).max();
    assert_eq!(most, Some(50));
}
