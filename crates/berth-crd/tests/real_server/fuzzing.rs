//! Tenants with mistakes in them, the same in every run: right documents, changed in one to four places.

use serde_json::{Map, Value, json};

/// An endless source of documents.
#[derive(Clone)]
pub(crate) struct Mutations {
    bases: Vec<Value>,
    state: u64,
}

impl Mutations {
    pub(crate) fn new(bases: Vec<Value>, seed: u64) -> Self {
        Self { bases, state: seed }
    }

    /// A number below `limit` (`SplitMix64`).
    fn below(&mut self, limit: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap() % limit
    }

    fn one_of<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// Any value, mostly one that comes near to being right somewhere.
    fn value(&mut self) -> Value {
        let texts = [
            "",
            "a",
            "dev",
            "prod",
            "A",
            "a b",
            "a-b",
            "-a",
            "payments",
            "system:x",
            "eks:x",
            "tenant:a:b:admin",
            "aws:x",
            "111122223333",
            "444455556666",
            "10.0.0.0/8",
            "10.0.0.1/33",
            "::/0",
            "2001:db8::/129",
            "1Gi",
            "1.5",
            "1e3",
            "x@y",
            "@",
            "ä@example.com",
            "vpc-0123456789abcdef0",
            "restricted",
            "privileged",
            "Delete",
            "admin",
            "edit",
            "*.example.com",
            "arn:aws:iam::111122223333:role/x",
            "arn:aws:iam::444455556666:role/x",
            "line\nbreak",
            "\u{e9}",
            "null",
            "true",
            "~",
        ];
        match self.below(12) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => self.one_of(&[
                json!(0),
                json!(-1),
                json!(8_589_934_592_i64),
                json!(i64::MAX),
                json!(u64::MAX),
                json!(1.5),
                json!(1e30),
            ]),
            3 => json!([]),
            4 => json!({}),
            5 => json!([self.one_of(&texts)]),
            6 => json!({ self.one_of(&texts): self.one_of(&texts) }),
            7 => json!("x".repeat(self.below(300))),
            _ => json!(self.one_of(&texts)),
        }
    }

    fn key(&mut self) -> String {
        let keys = [
            "unknown",
            "name",
            "environment",
            "labels",
            "annotations",
            "a b",
            "kubernetes.io/x",
            "example.com/x",
            "a/b/c",
            "",
            "x.k8s.io/y",
            "berth.dev/z",
            "Team",
            "pods",
            "finalizers",
            "namespace",
            "generateName",
            "workloads",
            "email",
            "status",
        ];
        self.one_of(&keys).to_owned()
    }

    /// Changes one place: the deeper it is, the likelier, as a document has more places there.
    fn mutate(&mut self, document: &mut Value) {
        let mut places = Vec::new();
        pointers(document, "", &mut places);
        let place = self.one_of(&places);
        let Some(value) = document.pointer_mut(&place) else { return };
        match (value, self.below(6)) {
            (Value::Object(map), 0 | 1) => {
                let (key, value) = (self.key(), self.value());
                map.insert(key, value);
            }
            (Value::Object(map), 2 | 3) => self.remove(map),
            (Value::Array(items), 0 | 1) if !items.is_empty() => {
                let copy = self.one_of(items);
                items.push(copy);
            }
            (Value::Array(items), 2) => drop(items.pop()),
            (Value::Array(items), 3) => items.push(self.value()),
            (Value::String(text), 0..=3) => self.misspell(text),
            (value, _) => *value = self.value(),
        }
    }

    fn remove(&mut self, map: &mut Map<String, Value>) {
        let keys: Vec<String> = map.keys().cloned().collect();
        if !keys.is_empty() {
            map.remove(&self.one_of(&keys));
        }
    }

    fn misspell(&mut self, text: &mut String) {
        let mut letters: Vec<char> = text.chars().collect();
        let at = self.below(letters.len() + 1);
        let letter = self.one_of(&['a', '0', 'Z', '-', '.', '/', ':', ' ', '_', '@']);
        match self.below(3) {
            0 if at < letters.len() => drop(letters.remove(at)),
            1 if at < letters.len() => letters[at] = letter,
            _ => letters.insert(at, letter),
        }
        *text = letters.into_iter().collect();
    }
}

impl Iterator for Mutations {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        let bases = self.bases.clone();
        let mut document = self.one_of(&bases);
        // Half of them have one mistake at most: more would hide each other.
        for _ in 0..self.one_of(&[0, 1, 1, 1, 2, 4]) {
            self.mutate(&mut document);
        }
        Some(document)
    }
}

/// Pointers to every value but the whole document.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut each = |key: &str, value: &Value| {
        let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        pointers(value, &at, found);
        found.push(at);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| each(key, value)),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, value)| each(&index.to_string(), value)),
        _ => {}
    }
}
