export * from "#gen/sepal/model/v1/model_pb.js";
export * from "#gen/sepal/model/v1/reference_profile_pb.js";
export * from "#gen/sepal/model/v1/signature_pb.js";
export * from "#gen/sepal/model/v1/training_report_pb.js";
export * from "#gen/sepal/prediction/v1/explanation_pb.js";
export * from "#gen/sepal/prediction/v1/prediction_service_pb.js";
export * from "#gen/sepal/registry/v1/registry_service_pb.js";
export * from "#gen/sepal/registry/v1/rollout_pb.js";
