#pragma once

// Configuration files: which there are, their defaults, and what else must hold beyond the schema.
//
// Thread safety: free functions.
// Errors: as read_yaml; a missing or impossible setting is kInvalidArgument and names the field.

#include <filesystem>
#include <string>

#include "casebox/v1/appliance.pb.h"
#include "casebox/v1/config.pb.h"
#include "proto/base/result.h"

namespace casebox::tools {

/// Read, defaults filled in, checked.
Result<v1::RecorderConfig> load_recorder_config(const std::filesystem::path& file);
Result<v1::ApplianceConfig> load_appliance_config(const std::filesystem::path& file);
Result<v1::IngestConfig> load_ingest_config(const std::filesystem::path& file);
Result<v1::ServeConfig> load_serve_config(const std::filesystem::path& file);

/// Fills what is not set: frame_max_ms 150, sync_max_ms 100, queue_items 4096, partitions 1,
/// topic_prefix "casebox", group "casebox-store", address 127.0.0.1, port 8420; of an appliance
/// ring_s 120, ring_mb 256, resume_within_s 3600, control `control` in the spool.
void fill_defaults(v1::RecorderConfig& config);
void fill_defaults(v1::ApplianceConfig& config);
void fill_defaults(v1::IngestConfig& config);
void fill_defaults(v1::ServeConfig& config);

/// What a good configuration must say; `name` stands for the file in errors.
Result<void> check(const v1::RecorderConfig& config, const std::string& name);
Result<void> check(const v1::ApplianceConfig& config, const std::string& name);
Result<void> check(const v1::IngestConfig& config, const std::string& name);
Result<void> check(const v1::ServeConfig& config, const std::string& name);

/// A complete, commented example of a kind ("recorder", "appliance", "ingest", "serve"); it passes
/// its own check.
Result<std::string> example_config(const std::string& kind);

/// True for 127.0.0.0/8, ::1 and localhost.
bool is_loopback(const std::string& address);

}  // namespace casebox::tools
