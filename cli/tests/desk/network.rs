//! Networks that stand between a desk and AWS: a proxy, and certificates of their own.

use crate::{
    aws::{Aws, ReceivedRequest},
    desk::Desk,
};

const LEDGER: &str = "dynamodb.eu-west-1.amazonaws.com";

fn keys(desk: Desk) -> Desk {
    desk.with("AWS_ACCESS_KEY_ID", "AKIADESK").with("AWS_SECRET_ACCESS_KEY", "s")
}

fn connects(proxy: &Aws) -> Vec<String> {
    proxy
        .asked()
        .into_iter()
        .map(|asked: ReceivedRequest| asked.line)
        .filter(|line| line.starts_with("CONNECT"))
        .collect()
}

#[test]
fn every_call_goes_through_the_proxy_that_the_environment_names() {
    for (command, host) in [(&["status"][..], LEDGER), (&["sweep", "--dry-run"], "lambda.eu-west-1.amazonaws.com")] {
        let proxy = Aws::start(|_| None);
        let ended = keys(Desk::empty()).with("HTTPS_PROXY", &proxy.url).berth(command);
        // This proxy lets nobody through.
        ended.with_code(1);
        let connects = connects(&proxy);
        assert!(!connects.is_empty(), "{ended:#?}");
        assert!(connects.iter().all(|line| line == &format!("CONNECT {host}:443")), "{connects:?}");
    }
}

#[test]
fn an_endpoint_on_this_machine_and_what_no_proxy_names_go_past_it() {
    let (aws, proxy) = (Aws::start(|_| None), Aws::start(|_| None));
    let desk = keys(Desk::at(&aws.url)).with("HTTP_PROXY", &proxy.url).with("HTTPS_PROXY", &proxy.url);
    desk.berth(&["status"]).with_code(0);
    assert_eq!(aws.scanned_by(), "AKIADESK");
    let desk = keys(Desk::at("https://localhost.invalid")).with("HTTPS_PROXY", &proxy.url);
    desk.with("NO_PROXY", ".invalid").berth(&["status"]).with_code(1);
    assert!(proxy.asked().is_empty(), "{:#?}", proxy.asked());
}

#[test]
fn a_proxy_that_reads_along_is_trusted_by_the_bundle_that_vouches_for_it() {
    let (proxy, authority) = Aws::behind_a_proxy_that_reads_along(LEDGER);
    let desk = keys(Desk::empty()).with("HTTPS_PROXY", &proxy.url).file("corp.pem", &authority);
    let stranger = desk.berth(&["status"]);
    let said = stranger.with_code(1);
    assert!(said.contains("invalid peer certificate") && said.contains("AWS_CA_BUNDLE"), "{said}");
    let path = desk.path("corp.pem").display().to_string();
    desk.with("AWS_CA_BUNDLE", &path).berth(&["status"]).with_code(0);
    assert_eq!(proxy.scanned_by(), "AKIADESK");
}

#[test]
fn the_bundle_of_a_profile_counts_where_the_environment_names_none() {
    let (proxy, authority) = Aws::behind_a_proxy_that_reads_along(LEDGER);
    let desk = keys(Desk::empty()).with("HTTPS_PROXY", &proxy.url).file("corp.pem", &authority);
    let config = format!("[default]\nca_bundle = {}\n", desk.path("corp.pem").display());
    desk.config(&config).berth(&["status"]).with_code(0);
    assert_eq!(proxy.scanned_by(), "AKIADESK");
}

#[test]
fn a_bundle_that_is_none_is_one_error_before_anything_is_asked() {
    let aws = Aws::start(|_| None);
    let desk = keys(Desk::at(&aws.url)).file("corp.pem", "not PEM");
    let path = desk.path("corp.pem").display().to_string();
    let ended = desk.with("AWS_CA_BUNDLE", &path).berth(&["status"]);
    assert!(ended.with_code(2).contains("it holds no certificate\nNext: name a file of certificates"), "{ended:#?}");
    assert!(aws.asked().is_empty(), "{:#?}", aws.asked());
}
