#pragma once

// What producer, consumer and admin client share of librdkafka: settings with checked names,
// ownership of the handle, and its errors as ours.
//
// Thread safety: free functions; a handle as librdkafka says.
// Errors: kInvalidArgument for a property that librdkafka does not know.

#include <librdkafka/rdkafka.h>

#include <memory>
#include <string>

#include "ingest/bus/kafka_bus.h"

namespace casebox::bus::internal {

struct DestroyConf {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};
using Conf = std::unique_ptr<rd_kafka_conf_t, DestroyConf>;

/// Destroys without leaving a group first: that would wait for a broker that may be away.
struct DestroyClient {
  void operator()(rd_kafka_t* client) const {
    rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  }
};
using Client = std::unique_ptr<rd_kafka_t, DestroyClient>;

/// Settings common to all clients, then the user's properties, then `ours`, which nobody may
/// override.
Result<Conf> make_conf(const KafkaOptions& options, const std::map<std::string, std::string>& ours);

/// Takes the settings.
Result<Client> make_client(rd_kafka_type_t type, Conf conf);

/// An error about `where`. Transport, timeout and leadership troubles are kUnavailable.
Error kafka_error(const std::string& where, rd_kafka_resp_err_t code,
                  const std::string& detail = {});
bool is_passing(rd_kafka_resp_err_t code);

/// A librdkafka timeout: at least 1 ms unless zero, bounded.
int timeout_ms(Duration timeout);

}  // namespace casebox::bus::internal
