#include "tools/config/yaml.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "proto/base/bytes.h"
#include "proto/base/file.h"
#include "proto/text/text.h"

namespace casebox::tools {
namespace pb = google::protobuf;
namespace {

constexpr int kMaxDepth = 64;
constexpr int kMaxNodes = 100'000;

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

/// "PHASE_BEGIN" of "LEVEL_PHASE_BEGIN" when every value of the enumeration shares "LEVEL_".
std::string enum_code(const pb::EnumValueDescriptor& value) {
  const pb::EnumDescriptor& type = *value.type();
  std::string prefix = type.value(0)->name();
  if (const size_t at = prefix.rfind("UNSPECIFIED"); at != std::string::npos)
    prefix.resize(at);
  else
    prefix.clear();
  const std::string& name = value.name();
  return lower(name.starts_with(prefix) ? name.substr(prefix.size()) : name);
}

class Mapper {
 public:
  explicit Mapper(std::string name) : name_(std::move(name)) {}

  Result<void> message(const YAML::Node& node, const std::string& path, pb::Message& into,
                       int depth) {
    CASEBOX_CHECK(visit(node, path, depth));
    if (node.IsNull()) return ok();
    if (!node.IsMap()) return wrong(node, path, "a map of fields");
    std::set<std::string> seen;
    for (const auto& item : node) {
      const std::string key = item.first.IsScalar() ? item.first.Scalar() : "";
      const pb::FieldDescriptor* field = into.GetDescriptor()->FindFieldByName(key);
      if (field == nullptr)
        return error(item.first, "unknown field '" + key + "'" +
                                     (path.empty() ? "" : " in " + path) +
                                     "; known fields: " + known_fields(*into.GetDescriptor()));
      if (!seen.insert(key).second)
        return error(item.first, "field '" + key + "' is given twice; keep one");
      CASEBOX_CHECK(any(item.second, path.empty() ? key : path + "." + key, *field, into, depth));
    }
    return ok();
  }

  Error error(const YAML::Node& node, const std::string& what) const {
    const YAML::Mark mark = node.Mark();
    const std::string line = mark.is_null() ? "" : ":" + std::to_string(mark.line + 1);
    return Error{Code::kInvalidArgument, name_ + line + ": " + what};
  }

 private:
  Result<void> visit(const YAML::Node& node, const std::string& path, int depth) {
    if (depth > kMaxDepth) return error(node, path + ": nested too deeply; at most 64 levels");
    if (++nodes_ > kMaxNodes) return error(node, "too many values; at most 100000");
    return ok();
  }

  Error wrong(const YAML::Node& node, const std::string& path, const std::string& wanted) const {
    const char* is = node.IsMap()        ? "a map"
                     : node.IsSequence() ? "a list"
                     : node.IsNull()     ? "empty"
                                         : "";
    // A file that is no configuration at all is not quoted.
    const std::string got = *is != 0       ? std::string(is)
                            : path.empty() ? "a text"
                                           : "'" + node.Scalar().substr(0, 40) + "'";
    return error(node, (path.empty() ? std::string("the file") : "'" + path + "'") + " is " + got +
                           "; write " + wanted);
  }

  static std::string known_fields(const pb::Descriptor& type) {
    std::string out;
    for (int i = 0; i < type.field_count(); ++i) out += (i ? ", " : "") + type.field(i)->name();
    return out;
  }

  Result<void> any(const YAML::Node& node, const std::string& path,
                   const pb::FieldDescriptor& field, pb::Message& into, int depth) {
    if (field.is_map()) return map(node, path, field, into, depth + 1);
    if (!field.is_repeated() && node.IsNull()) {
      // Nothing behind `tls:` must not be taken for no TLS.
      if (field.message_type() == nullptr) return ok();
      return error(node, "'" + path + "' is empty; write '" + field.name() +
                             ": {}' for its defaults, or leave it out");
    }
    if (!field.is_repeated()) return value(node, path, field, into, depth + 1);
    CASEBOX_CHECK(visit(node, path, depth));
    if (node.IsNull()) return ok();
    if (!node.IsSequence()) return wrong(node, path, "a list");
    size_t i = 0;
    for (const YAML::Node& item : node)
      CASEBOX_CHECK(value(item, path + "[" + std::to_string(i++) + "]", field, into, depth + 1));
    return ok();
  }

  Result<void> map(const YAML::Node& node, const std::string& path,
                   const pb::FieldDescriptor& field, pb::Message& into, int depth) {
    CASEBOX_CHECK(visit(node, path, depth));
    if (node.IsNull()) return ok();
    if (!node.IsMap()) return wrong(node, path, "a map");
    const pb::Descriptor& entry_type = *field.message_type();
    for (const auto& item : node) {
      pb::Message* entry = into.GetReflection()->AddMessage(&into, &field);
      CASEBOX_CHECK(value(item.first, path, *entry_type.map_key(), *entry, depth + 1));
      const std::string key = item.first.IsScalar() ? item.first.Scalar() : "";
      CASEBOX_CHECK(
          value(item.second, path + "." + key, *entry_type.map_value(), *entry, depth + 1));
    }
    return ok();
  }

  template <typename T>
  Result<T> number(const YAML::Node& node, const std::string& path,
                   const std::string& wanted) const {
    const std::string text = node.IsScalar() ? node.Scalar() : "";
    T out{};
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (text.empty() || ec != std::errc() || end != text.data() + text.size())
      return wrong(node, path, wanted);
    if constexpr (std::is_floating_point_v<T>)
      if (!std::isfinite(out)) return wrong(node, path, wanted);
    return out;
  }

  /// Sets a singular field, or appends to a repeated one.
  Result<void> value(const YAML::Node& node, const std::string& path,
                     const pb::FieldDescriptor& field, pb::Message& into, int depth) {
    CASEBOX_CHECK(visit(node, path, depth));
    const pb::Reflection& r = *into.GetReflection();
    const bool many = field.is_repeated();
    if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE)
      return message(node, path,
                     many ? *r.AddMessage(&into, &field) : *r.MutableMessage(&into, &field), depth);
    if (!node.IsScalar()) return wrong(node, path, wanted_text(field));
    switch (field.cpp_type()) {
#define CASEBOX_NUMBER(TYPE, NAME, CPP)                                    \
  case pb::FieldDescriptor::TYPE: {                                        \
    CASEBOX_TRY(const CPP v, number<CPP>(node, path, wanted_text(field))); \
    many ? r.Add##NAME(&into, &field, v) : r.Set##NAME(&into, &field, v);  \
    return ok();                                                           \
  }
      CASEBOX_NUMBER(CPPTYPE_INT32, Int32, int32_t)
      CASEBOX_NUMBER(CPPTYPE_INT64, Int64, int64_t)
      CASEBOX_NUMBER(CPPTYPE_UINT32, UInt32, uint32_t)
      CASEBOX_NUMBER(CPPTYPE_UINT64, UInt64, uint64_t)
      CASEBOX_NUMBER(CPPTYPE_DOUBLE, Double, double)
      CASEBOX_NUMBER(CPPTYPE_FLOAT, Float, float)
#undef CASEBOX_NUMBER
      case pb::FieldDescriptor::CPPTYPE_BOOL: {
        const std::string text = lower(node.Scalar());
        if (text != "true" && text != "false") return wrong(node, path, wanted_text(field));
        many ? r.AddBool(&into, &field, text == "true") : r.SetBool(&into, &field, text == "true");
        return ok();
      }
      case pb::FieldDescriptor::CPPTYPE_ENUM: {
        const pb::EnumDescriptor& type = *field.enum_type();
        for (int i = 0; i < type.value_count(); ++i) {
          if (enum_code(*type.value(i)) != lower(node.Scalar())) continue;
          many ? r.AddEnum(&into, &field, type.value(i)) : r.SetEnum(&into, &field, type.value(i));
          return ok();
        }
        return wrong(node, path, wanted_text(field));
      }
      default: return text(node, path, field, into);
    }
  }

  Result<void> text(const YAML::Node& node, const std::string& path,
                    const pb::FieldDescriptor& field, pb::Message& into) const {
    std::string out = node.Scalar();
    if (field.type() == pb::FieldDescriptor::TYPE_BYTES) {
      auto bytes = from_hex(out);
      if (!bytes) return wrong(node, path, wanted_text(field));
      out = *bytes;
    } else if (!text::is_utf8(out)) {  // an escape can write half a surrogate pair
      return wrong(node, path, "a text of whole characters");
    }
    const pb::Reflection& r = *into.GetReflection();
    field.is_repeated() ? r.AddString(&into, &field, out) : r.SetString(&into, &field, out);
    return ok();
  }

  static std::string wanted_text(const pb::FieldDescriptor& field) {
    switch (field.cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_INT32:
      case pb::FieldDescriptor::CPPTYPE_INT64: return "a whole number";
      case pb::FieldDescriptor::CPPTYPE_UINT32:
      case pb::FieldDescriptor::CPPTYPE_UINT64: return "a whole number, 0 or above";
      case pb::FieldDescriptor::CPPTYPE_DOUBLE:
      case pb::FieldDescriptor::CPPTYPE_FLOAT: return "a number";
      case pb::FieldDescriptor::CPPTYPE_BOOL: return "true or false";
      case pb::FieldDescriptor::CPPTYPE_ENUM: {
        std::string out = "one of";
        for (int i = 0; i < field.enum_type()->value_count(); ++i)
          if (const auto* v = field.enum_type()->value(i); v->number() != 0)
            out += (out.size() > 6 ? ", " : " ") + enum_code(*v);
        return out;
      }
      default: return field.type() == pb::FieldDescriptor::TYPE_BYTES ? "hex digits" : "a text";
    }
  }

  std::string name_;
  int nodes_ = 0;
};

void emit_message(YAML::Emitter& out, const pb::Message& message, bool all);

void emit_value(YAML::Emitter& out, const pb::Message& m, const pb::FieldDescriptor& f, int index,
                bool all) {
  const pb::Reflection& r = *m.GetReflection();
  const bool many = index >= 0;
  switch (f.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_MESSAGE:
      return emit_message(out, many ? r.GetRepeatedMessage(m, &f, index) : r.GetMessage(m, &f),
                          all);
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      out << (many ? r.GetRepeatedBool(m, &f, index) : r.GetBool(m, &f));
      return;
    case pb::FieldDescriptor::CPPTYPE_ENUM:
      out << enum_code(*(many ? r.GetRepeatedEnum(m, &f, index) : r.GetEnum(m, &f)));
      return;
    case pb::FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = many ? r.GetRepeatedString(m, &f, index) : r.GetString(m, &f);
      out << YAML::DoubleQuoted
          << (f.type() == pb::FieldDescriptor::TYPE_BYTES ? to_hex(text) : text);
      return;
    }
    case pb::FieldDescriptor::CPPTYPE_INT32:
      out << (many ? r.GetRepeatedInt32(m, &f, index) : r.GetInt32(m, &f));
      return;
    case pb::FieldDescriptor::CPPTYPE_INT64:
      out << (many ? r.GetRepeatedInt64(m, &f, index) : r.GetInt64(m, &f));
      return;
    case pb::FieldDescriptor::CPPTYPE_UINT32:
      out << (many ? r.GetRepeatedUInt32(m, &f, index) : r.GetUInt32(m, &f));
      return;
    case pb::FieldDescriptor::CPPTYPE_UINT64:
      out << (many ? r.GetRepeatedUInt64(m, &f, index) : r.GetUInt64(m, &f));
      return;
    default: break;
  }
  const double v = f.cpp_type() == pb::FieldDescriptor::CPPTYPE_FLOAT
                       ? (many ? r.GetRepeatedFloat(m, &f, index) : r.GetFloat(m, &f))
                       : (many ? r.GetRepeatedDouble(m, &f, index) : r.GetDouble(m, &f));
  char buffer[64];
  out << std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, v).ptr);
}

void emit_message(YAML::Emitter& out, const pb::Message& message, bool all) {
  const pb::Reflection& r = *message.GetReflection();
  const pb::Descriptor& type = *message.GetDescriptor();
  out << YAML::BeginMap;
  for (int i = 0; i < type.field_count(); ++i) {
    const pb::FieldDescriptor& field = *type.field(i);
    if (field.is_repeated()) {
      const int size = r.FieldSize(message, &field);
      if (size == 0) continue;
      out << YAML::Key << field.name() << YAML::Value;
      if (field.is_map()) {
        out << YAML::BeginMap;
        for (int k = 0; k < size; ++k) {
          const pb::Message& entry = r.GetRepeatedMessage(message, &field, k);
          out << YAML::Key;
          emit_value(out, entry, *field.message_type()->map_key(), -1, all);
          out << YAML::Value;
          emit_value(out, entry, *field.message_type()->map_value(), -1, all);
        }
        out << YAML::EndMap;
        continue;
      }
      out << YAML::BeginSeq;
      for (int k = 0; k < size; ++k) emit_value(out, message, field, k, all);
      out << YAML::EndSeq;
    } else if (r.HasField(message, &field) ||
               (all && field.cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE)) {
      out << YAML::Key << field.name() << YAML::Value;
      emit_value(out, message, field, -1, all);
    }
  }
  out << YAML::EndMap;
}

}  // namespace

Result<void> read_yaml(std::string_view from, const std::string& name, pb::Message& into,
                       const std::string& beside) {
  if (from.size() > 1 << 20)
    return Error{Code::kInvalidArgument, name + ": larger than 1 MiB; give a configuration file"};
  std::string yaml(from);
  if (const size_t bad = text::first_bad(from); bad < from.size()) {
    text::Text told = text::to_utf8(from);
    if (!told.encoding.starts_with("UTF-"))
      return Error{Code::kInvalidArgument,
                   name + ":" +
                       std::to_string(1 + std::count(from.begin(), from.begin() + bad, '\n')) +
                       ": text that is not UTF-8; save the file as UTF-8"};
    yaml = std::move(told.utf8);
  }
  try {
    YAML::Node root = YAML::Load(yaml);
    if (!beside.empty() && root.IsMap()) root.remove(beside);
    into.Clear();
    return Mapper(name).message(root, "", into, 0);
  } catch (const YAML::Exception& e) {
    const std::string line = e.mark.is_null() ? "" : ":" + std::to_string(e.mark.line + 1);
    return Error{Code::kInvalidArgument, name + line + ": not YAML: " + e.msg + "; mend the line"};
  }
}

Result<std::string> read_text_file(const std::filesystem::path& file, size_t limit) {
  std::error_code ec;
  if (!std::filesystem::exists(file, ec))
    return Error{Code::kNotFound, file.string() + ": no such file; check the path"};
  if (!std::filesystem::is_regular_file(file, ec))
    return Error{Code::kInvalidArgument, file.string() + ": not a file; check the path"};
  if (std::filesystem::file_size(file, ec) > limit)
    return Error{Code::kInvalidArgument, file.string() + ": larger than " + std::to_string(limit) +
                                             " bytes; check the path"};
  return read_file(file, limit);
}

Result<void> read_yaml_file(const std::filesystem::path& file, pb::Message& into) {
  CASEBOX_TRY(const std::string text, read_text_file(file));
  return read_yaml(text, file.string(), into);
}

std::string write_yaml(const pb::Message& message, bool all) {
  YAML::Emitter out;
  emit_message(out, message, all);
  return std::string(out.c_str()) + "\n";
}

}  // namespace casebox::tools
