//! What goes wrong with Spotinst (spec 30, section 11.3). Texts are one line and never hold the token.

/// The service's code for a group that is not there.
const GROUP_MISSING: &str = "GROUP_DOESNT_EXIST";

/// A failed request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Spotinst {operation}: {problem}")]
pub struct SpotinstError {
    /// What was asked, such as `create group ci_mhcweb_1`.
    pub operation: String,
    /// What the service said, or why it was not reached.
    pub problem: String,
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The service's error codes.
    pub codes: Vec<String>,
    /// The service asks to wait, or did not answer: the request was repeated in vain.
    pub rate_exceeded: bool,
}

impl SpotinstError {
    /// True if the service says that the group does not exist.
    pub fn is_group_missing(&self) -> bool {
        self.codes.iter().any(|code| code == GROUP_MISSING)
    }

    /// What the operator can do.
    pub fn hint(&self) -> Option<String> {
        let text = match self.status {
            Some(401) => "set SPOTINST_TOKEN to a valid API token",
            Some(403) => {
                "check that the token of SPOTINST_TOKEN may use the account `spotinst_account_id` of `[disco_aws]`"
            }
            None if self.rate_exceeded => {
                "check the network, the proxy variables and SPOTINST_API_HOST, then run the same command again: it goes \
                 on where this run stopped"
            }
            _ if self.rate_exceeded => {
                "run the same command again: it goes on where this run stopped"
            }
            _ => return None,
        };
        Some(text.to_owned())
    }
}
