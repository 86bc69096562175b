//! Moves a branch. What became of a push is told by where the branch is afterwards: servers word a lost race in many
//! ways, and some say "ok" to one.

use gix_hash::ObjectId;

use super::{
    GitRepo, Known,
    advert::{self, Advert, Capabilities},
    commit_id,
    http::{Failure, Service},
    nonsense,
    push::{self, NoReport, Push, Report},
    reading::no_server,
};
use crate::RepoError;

/// What a refused push means, once it is known where the branch is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// The branch is where it shall be.
    Moved,
    /// Somebody else moved it, or seems to be about to.
    Lost(String),
    /// It is where it was, and the server does not want our commit.
    Rejected(String),
    /// The server said yes, and the branch is elsewhere: our commit may be below.
    Unclear,
}

/// What became of a push: given what the server said, where the branch was to go, and where it is.
fn judge(report: Result<(), String>, push: &Push<'_>, at: Option<ObjectId>) -> Outcome {
    let at = at.unwrap_or(push.old.kind().null());
    let is_where_it_was = at == push.old;
    match report {
        _ if at == push.new => Outcome::Moved,
        Ok(()) if is_where_it_was => Outcome::Lost("it said ok, and did not move the branch".into()),
        Ok(()) => Outcome::Unclear,
        Err(reason) if !is_where_it_was || push::sounds_contended(&reason) => Outcome::Lost(reason),
        Err(reason) => Outcome::Rejected(reason),
    }
}

impl GitRepo {
    /// Moves the branch, or says why it was not moved. Answers what the server's hooks said.
    ///
    /// # Errors
    /// [`RepoError::LostRace`] if somebody else moved it, or if the server's words sound so while it still is where it
    /// was; [`RepoError::Rejected`] if it is where it was; [`RepoError::AnswerLost`] if it may have been moved.
    pub(super) async fn move_branch(&self, known: &mut Known, push: &Push<'_>) -> Result<Vec<String>, RepoError> {
        let capabilities = self.receives().await?;
        let sent = self.send(push, &capabilities).await;
        if sent.is_err() {
            self.receives.lock().await.take();
        }
        let Report { verdict, remarks } = sent?;
        if verdict.is_ok() && capabilities.is_sound() {
            return Ok(remarks);
        }
        let said = verdict.map_err(|reason| self.http.scrub(&push::in_words(&reason, &remarks)));
        let at = match (self.reading().list(known, &[push.reference]).await, &said) {
            (Ok((refs, _)), _) => refs.get(push.reference).copied(),
            (Err(error), Ok(())) => return Err(lost(push, error)),
            // The refusal stands for itself.
            (Err(_), Err(_)) => Some(push.old),
        };
        match judge(said, push, at) {
            Outcome::Moved => Ok(remarks),
            Outcome::Lost(reason) => Err(RepoError::LostRace { reason: Some(reason) }),
            Outcome::Rejected(reason) => Err(RepoError::Rejected { reason }),
            Outcome::Unclear => Err(lost(push, "the branch is elsewhere after an accepted push")),
        }
    }

    async fn send(&self, push: &Push<'_>, capabilities: &Capabilities) -> Result<Report, RepoError> {
        let request = push::request(push, capabilities).map_err(nonsense)?;
        let answer = match self.http.receive_pack(request).await {
            Ok(answer) => answer,
            Err(Failure::Clear(error)) => return Err(error),
            Err(Failure::Uncertain(error)) => return Err(lost(push, error)),
        };
        match push::parse(&answer, push.reference) {
            Ok(report) => Ok(report),
            Err(NoReport::Said(said)) => {
                Err(RepoError::Refused { what: "take the commit", reason: self.http.scrub(&said) })
            }
            Err(NoReport::Malformed(malformed)) => Err(lost(push, malformed)),
        }
    }

    /// What the server can do with a push. It also says here if it takes none from us, before anything is sent.
    pub(super) async fn receives(&self) -> Result<Capabilities, RepoError> {
        let mut known = self.receives.lock().await;
        if let Some(capabilities) = known.as_ref() {
            return Ok(capabilities.clone());
        }
        let answer = self.http.advertisement(Service::ReceivePack).await?;
        let (Advert::V0 { capabilities, .. } | Advert::V2(capabilities)) =
            advert::parse(&answer).map_err(|error| no_server(&self.http, error))?;
        *known = Some(capabilities.clone());
        Ok(capabilities)
    }
}

fn lost(push: &Push<'_>, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> RepoError {
    RepoError::AnswerLost { attempted: commit_id(push.new).ok(), source: source.into() }
}

#[cfg(test)]
mod tests {
    use gix_hash::Kind;

    use super::*;

    fn id(digit: char) -> ObjectId {
        ObjectId::from_hex(digit.to_string().repeat(40).as_bytes()).unwrap()
    }

    #[test]
    fn where_the_branch_is_tells_what_became_of_a_push_whatever_the_words() {
        let words = |text: &str| Err(text.to_owned());
        for old in [id('1'), Kind::Sha1.null()] {
            let push = Push { reference: "refs/heads/main", old, new: id('2'), pack: b"", options: &[] };
            let before = Some(old).filter(|old| !old.is_null());
            for said in [Ok(()), words("hook declined"), words("failed to lock")] {
                assert_eq!(judge(said, &push, Some(id('2'))), Outcome::Moved);
            }
            for reason in ["invalid old id sent", "reference has changed concurrently", "anything else"] {
                assert_eq!(judge(words(reason), &push, Some(id('3'))), Outcome::Lost(reason.into()));
            }
            assert_eq!(judge(words("hook declined"), &push, before), Outcome::Rejected("hook declined".into()));
            assert_eq!(judge(words("failed to lock"), &push, before), Outcome::Lost("failed to lock".into()));
            assert!(matches!(judge(Ok(()), &push, before), Outcome::Lost(_)), "ok, and not moved");
            assert_eq!(judge(Ok(()), &push, Some(id('3'))), Outcome::Unclear);
        }
        let gone = Push { reference: "refs/heads/x", old: id('1'), new: Kind::Sha1.null(), pack: b"", options: &[] };
        assert_eq!(judge(words("hook declined"), &gone, None), Outcome::Moved);
        assert_eq!(judge(words("no deletions"), &gone, Some(id('1'))), Outcome::Rejected("no deletions".into()));
    }
}
