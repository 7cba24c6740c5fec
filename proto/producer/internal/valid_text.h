#pragma once

// Whether a message would parse again: protobuf writes a string field that is not UTF-8 and refuses
// it when it reads. What has no string field at any depth (samples, media) costs one look-up.
//
// Thread safety: free function. Errors: kInvalidArgument with the field's name, never its content.

#include <google/protobuf/message_lite.h>

#include "proto/base/result.h"

namespace casebox::producer {

Result<void> check_text(const google::protobuf::MessageLite& body);

}  // namespace casebox::producer
