//! Extractors for ids in the path of a request.

use std::str::FromStr;

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};

use serde::de::DeserializeOwned;

use crate::error::AppError;

/// A parsed id. A malformed one is rejected with [`AppError::NotFound`], like the id of a row that does not exist.
pub struct Id<T>(pub T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let Path(id) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| AppError::NotFound)?;
        id.parse().map(Self).map_err(|_| AppError::NotFound)
    }
}

/// Several segments of a path, as text. Those that are not UTF-8 are rejected with [`AppError::NotFound`].
pub struct Segments<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Segments<T> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let Path(segments) = Path::<T>::from_request_parts(parts, state).await.map_err(|_| AppError::NotFound)?;
        Ok(Self(segments))
    }
}
