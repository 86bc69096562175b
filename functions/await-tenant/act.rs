//! Makes a change; there is none.

use berth_step::StepError;

use crate::Change;

/// Never called: no [`Change`] exists.
#[expect(clippy::unused_async, reason = "the shape of every step")]
pub(crate) async fn act(change: Change) -> Result<(), StepError> {
    match change {}
}
