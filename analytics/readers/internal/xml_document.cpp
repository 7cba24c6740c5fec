#include "analytics/readers/internal/xml_document.h"

#include <algorithm>
#include <cstring>

namespace casebox::analytics::readers::internal {
namespace {

constexpr size_t kMaxBytes = 64 << 20;
constexpr int kMaxDepth = 1'000;

}  // namespace

Result<void> parse_xml(std::string_view text, const std::string& name, pugi::xml_document& into) {
  if (text.size() > kMaxBytes)
    return Error{Code::kInvalidArgument, name + ": larger than 64 MiB; this is no process model"};
  const pugi::xml_parse_result parsed =
      into.load_buffer(text.data(), text.size(), pugi::parse_default | pugi::parse_doctype);
  if (!parsed) {
    const auto offset =
        std::min<size_t>(static_cast<size_t>(std::max<ptrdiff_t>(parsed.offset, 0)), text.size());
    const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(offset), '\n');
    return Error{Code::kInvalidArgument, name + ":" + std::to_string(line) +
                                             ": not well-formed XML: " + parsed.description() +
                                             "; write the file again"};
  }
  for (const pugi::xml_node& node : into.children())
    if (node.type() == pugi::node_doctype && std::strstr(node.value(), "<!ENTITY") != nullptr)
      return Error{Code::kInvalidArgument,
                   name +
                       ": declares an XML entity, which a process model does not need; remove "
                       "the declaration"};
  int depth = 0;
  for (pugi::xml_node node = into.first_child(); node;) {
    if (depth > kMaxDepth)
      return Error{Code::kInvalidArgument,
                   name + ": nested deeper than 1000 levels; this is no process model"};
    if (node.first_child()) {
      node = node.first_child();
      ++depth;
      continue;
    }
    while (node && !node.next_sibling()) {
      node = node.parent();
      --depth;
    }
    node = node.next_sibling();
  }
  return ok();
}

std::string_view local_name(const pugi::xml_node& node) {
  const char* colon = std::strrchr(node.name(), ':');
  return colon == nullptr ? node.name() : colon + 1;
}

pugi::xml_node child(const pugi::xml_node& node, std::string_view name) {
  for (const pugi::xml_node& c : node.children())
    if (local_name(c) == name) return c;
  return {};
}

std::string text_of(const pugi::xml_node& node) {
  std::string text = child(node, "text").text().get();
  const char* kSpace = " \t\r\n";
  text.erase(0, text.find_first_not_of(kSpace));
  text.erase(text.find_last_not_of(kSpace) + 1);
  return text;
}

}  // namespace casebox::analytics::readers::internal
