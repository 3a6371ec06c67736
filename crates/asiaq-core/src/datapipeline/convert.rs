//! Definitions as the SDK has them, and back.

use super::definition::{Content, Definition, Field, Object, Parameter};
use crate::error::{Error, Result};
use aws_sdk_datapipeline::types::{
    Field as SdkField, ParameterAttribute, ParameterObject, ParameterValue, PipelineObject, Tag,
};
use aws_smithy_types::error::operation::BuildError;

/// A definition ready to be sent.
pub(super) struct Sendable {
    pub(super) objects: Vec<PipelineObject>,
    pub(super) parameters: Vec<ParameterObject>,
    pub(super) values: Vec<ParameterValue>,
}

pub(super) fn sendable(definition: &Definition) -> Result<Sendable> {
    let objects = definition.objects.iter().map(object);
    let parameters = definition.parameters.iter().map(parameter);
    Ok(Sendable {
        objects: objects.collect::<Result<_, _>>().map_err(lacking)?,
        parameters: parameters.collect::<Result<_, _>>().map_err(lacking)?,
        values: values(&definition.values)?,
    })
}

pub(super) fn values(values: &[(String, String)]) -> Result<Vec<ParameterValue>> {
    let value =
        |(id, text): &(String, String)| ParameterValue::builder().id(id).string_value(text).build();
    let values = values.iter().map(value);
    values.collect::<Result<_, _>>().map_err(lacking)
}

pub(super) fn tags(tags: &crate::aws::Tags) -> Result<Vec<Tag>> {
    let tags = tags.iter();
    let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build());
    tags.collect::<Result<_, _>>().map_err(lacking)
}

pub(super) fn objects_from(objects: &[PipelineObject]) -> Vec<Object> {
    let field = |field: &SdkField| Field {
        key: field.key().to_owned(),
        content: match field.ref_value() {
            Some(id) => Content::Ref(id.to_owned()),
            None => Content::Text(field.string_value().unwrap_or_default().to_owned()),
        },
    };
    let own = |object: &PipelineObject| Object {
        id: object.id().to_owned(),
        name: object.name().to_owned(),
        fields: object.fields().iter().map(field).collect(),
    };
    objects.iter().map(own).collect()
}

fn object(object: &Object) -> Result<PipelineObject, BuildError> {
    let fields = object.fields.iter().map(|field| {
        let builder = SdkField::builder().key(&field.key);
        match &field.content {
            Content::Text(text) => builder.string_value(text),
            Content::Ref(id) => builder.ref_value(id),
        }
        .build()
    });
    PipelineObject::builder()
        .id(&object.id)
        .name(&object.name)
        .set_fields(Some(fields.collect::<Result<_, _>>()?))
        .build()
}

fn parameter(parameter: &Parameter) -> Result<ParameterObject, BuildError> {
    let attributes = parameter.attributes.iter().map(|(key, text)| {
        ParameterAttribute::builder()
            .key(key)
            .string_value(text)
            .build()
    });
    ParameterObject::builder()
        .id(&parameter.id)
        .set_attributes(Some(attributes.collect::<Result<_, _>>()?))
        .build()
}

/// Everything that the SDK requires is in our types, so this does not happen.
fn lacking(error: BuildError) -> Error {
    Error::refused(format!("the pipeline definition is not complete: {error}"))
}
