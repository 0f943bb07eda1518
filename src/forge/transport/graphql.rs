//! Answers to GraphQL queries, which come with status 200 whatever the forge thinks of them.

use serde::Deserialize;

use super::fault::{ANSWER_CHARS, ForgeFault};

/// An answer to a GraphQL query, errors included: they come with status 200.
#[derive(Deserialize)]
pub(in crate::forge) struct GraphQl<T> {
    data: Option<T>,
    /// Some servers say `null` where there is none.
    errors: Option<Vec<GraphQlError>>,
}

#[derive(Deserialize)]
struct GraphQlError {
    /// GitHub's word for it: `NOT_FOUND`, `RATE_LIMITED`, …
    #[serde(rename = "type")]
    kind: Option<String>,
    message: Option<String>,
}

impl GraphQlError {
    fn words(&self) -> &str {
        self.message.as_deref().unwrap_or("an error without a word")
    }
}

/// What of an answer is there, and the first of its complaints.
pub(in crate::forge) fn parts<T>(answer: GraphQl<T>) -> (Option<T>, Option<String>) {
    let errors = answer.errors.unwrap_or_default();
    let complaint = errors.first().map(|error| error.words().chars().take(ANSWER_CHARS).collect());
    (answer.data, complaint)
}

/// What an answer gave. People who are not there any more are no error: the others are told of.
pub(in crate::forge) fn data<T>(answer: GraphQl<T>) -> Result<T, ForgeFault> {
    let weighs = |error: &&GraphQlError| error.kind.as_deref() != Some("NOT_FOUND");
    let errors = answer.errors.unwrap_or_default();
    match (answer.data, errors.iter().find(weighs)) {
        (Some(data), None) => Ok(data),
        (_, Some(error)) => {
            let kind = error.kind.as_deref().map(|kind| format!("{kind}: ")).unwrap_or_default();
            let answer: String = (kind + error.words()).chars().take(ANSWER_CHARS).collect();
            Err(ForgeFault::Refused { status: 200, answer })
        }
        (None, None) => Err(ForgeFault::Refused { status: 200, answer: "no data".into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_errors_is_said_in_three_ways() {
        for body in [r#"{"data": 7}"#, r#"{"data": 7, "errors": null}"#, r#"{"data": 7, "errors": []}"#] {
            let read = || serde_json::from_str::<GraphQl<u8>>(body).unwrap();
            assert_eq!(data(read()).ok(), Some(7), "{body}");
            assert_eq!(parts(read()), (Some(7), None), "{body}");
        }
        let refused: GraphQl<u8> =
            serde_json::from_str(r#"{"data": 7, "errors": [{"message": "no"}]}"#).unwrap();
        assert!(data(refused).unwrap_err().to_string().contains("no"));
    }
}
