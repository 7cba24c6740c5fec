#include "proto/producer/internal/valid_text.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <set>
#include <unordered_map>
#include <vector>

#include "proto/text/text.h"

namespace casebox::producer {
namespace pb = google::protobuf;
namespace {

using Fields = std::vector<const pb::FieldDescriptor*>;

bool holds_text(const pb::Descriptor& type, std::set<const pb::Descriptor*>& seen) {
  if (!seen.insert(&type).second) return false;
  for (int i = 0; i < type.field_count(); ++i) {
    const pb::FieldDescriptor& field = *type.field(i);
    if (field.type() == pb::FieldDescriptor::TYPE_STRING) return true;
    if (field.message_type() != nullptr && holds_text(*field.message_type(), seen)) return true;
  }
  return false;
}

/// Fields that are text or lead to some, found once for each type and thread.
const Fields& fields_of(const pb::Descriptor& type) {
  thread_local std::unordered_map<const pb::Descriptor*, Fields> known;
  const auto [at, fresh] = known.try_emplace(&type);
  if (!fresh) return at->second;
  for (int i = 0; i < type.field_count(); ++i) {
    const pb::FieldDescriptor& field = *type.field(i);
    std::set<const pb::Descriptor*> seen;
    if (field.type() == pb::FieldDescriptor::TYPE_STRING ||
        (field.message_type() != nullptr && holds_text(*field.message_type(), seen)))
      at->second.push_back(&field);
  }
  return at->second;
}

/// The first field with other text; null if there is none.
const pb::FieldDescriptor* wrong(const pb::Message& message) {
  const pb::Reflection& r = *message.GetReflection();
  std::string scratch;
  for (const pb::FieldDescriptor* field : fields_of(*message.GetDescriptor())) {
    const bool text = field->type() == pb::FieldDescriptor::TYPE_STRING;
    if (!field->is_repeated()) {
      if (text) {
        if (!text::is_utf8(r.GetStringReference(message, field, &scratch))) return field;
      } else if (r.HasField(message, field)) {
        if (const auto* inner = wrong(r.GetMessage(message, field))) return inner;
      }
      continue;
    }
    for (int i = 0; i < r.FieldSize(message, field); ++i) {
      if (text) {
        if (!text::is_utf8(r.GetRepeatedStringReference(message, field, i, &scratch))) return field;
      } else if (const auto* inner = wrong(r.GetRepeatedMessage(message, field, i))) {
        return inner;
      }
    }
  }
  return nullptr;
}

}  // namespace

Result<void> check_text(const pb::MessageLite& body) {
  const auto* message = dynamic_cast<const pb::Message*>(&body);
  const pb::FieldDescriptor* field = message == nullptr ? nullptr : wrong(*message);
  if (field == nullptr) return ok();
  return Error{Code::kInvalidArgument,
               field->full_name() +
                   ": text that is not UTF-8, which nobody could read again; nothing was written"};
}

}  // namespace casebox::producer
