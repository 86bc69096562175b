//! What a warm process remembers: facts of Identity Center that never change once they are known, so that a poll of the
//! organization's one Identity Center costs few calls. A cold process only asks more.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Requests that are remembered. When there are more, all are forgotten: the process then asks again.
const REQUESTS_MAX: usize = 1_000;

/// The memory of a process.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// ARNs of permission sets by instance and name.
    permission_sets: Mutex<BTreeMap<(String, String), String>>,
    /// Requests by id.
    requests: Mutex<BTreeMap<String, Request>>,
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) account: String,
    /// ARN of the permission set.
    pub(crate) permission_set_arn: String,
    /// Id of the group or user.
    pub(crate) principal: String,
    /// Why it failed; none while it is not known to have failed.
    pub(crate) failure: Option<String>,
}

impl Memory {
    /// The ARN of a permission set, when it is known.
    pub(crate) fn permission_set(&self, instance: &str, name: &str) -> Option<String> {
        open(&self.permission_sets).get(&(instance.to_owned(), name.to_owned())).cloned()
    }

    /// Whether the name of this permission set is known.
    pub(crate) fn knows(&self, arn: &str) -> bool {
        open(&self.permission_sets).values().any(|known| known == arn)
    }

    /// Remembers the name of a permission set.
    pub(crate) fn remember(&self, instance: &str, name: &str, arn: &str) {
        open(&self.permission_sets).insert((instance.to_owned(), name.to_owned()), arn.to_owned());
    }

    /// Forgets a permission set that is gone.
    pub(crate) fn forget(&self, arn: &str) {
        open(&self.permission_sets).retain(|_, known| known != arn);
    }

    /// A request, when it is known.
    pub(crate) fn request(&self, id: &str) -> Option<Request> {
        open(&self.requests).get(id).cloned()
    }

    pub(crate) fn remember_request(&self, id: &str, request: Request) {
        let mut requests = open(&self.requests);
        if requests.len() >= REQUESTS_MAX {
            requests.clear();
        }
        requests.insert(id.to_owned(), request);
    }
}

/// What another thread left behind when it panicked is still true here.
fn open<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_set_is_known_by_its_instance_and_name_until_it_is_forgotten() {
        let memory = Memory::default();
        memory.remember("one", "Developer", "arn-1");
        memory.remember("two", "Developer", "arn-2");
        assert_eq!(memory.permission_set("two", "Developer").as_deref(), Some("arn-2"));
        assert!(memory.knows("arn-1"));
        memory.forget("arn-1");
        assert_eq!(memory.permission_set("one", "Developer"), None);
        assert!(memory.knows("arn-2") && !memory.knows("arn-1"));
    }

    #[test]
    fn the_memory_of_requests_is_bounded() {
        let memory = Memory::default();
        let request = Request {
            account: "111122223333".to_owned(),
            permission_set_arn: "arn".to_owned(),
            principal: "group".to_owned(),
            failure: None,
        };
        for n in 0..=REQUESTS_MAX {
            memory.remember_request(&n.to_string(), request.clone());
        }
        assert_eq!(memory.request("0"), None);
        assert_eq!(memory.request(&REQUESTS_MAX.to_string()), Some(request));
    }
}
