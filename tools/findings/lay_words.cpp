#include "tools/findings/lay_words.h"

#include "tools/config/protocol_yaml.h"

namespace casebox::tools {

/// Generated from deploy/protocols (tools/CMakeLists.txt).
extern const std::map<std::string, std::string> kBuiltInProtocols;

Result<LayWords> lay_words_for(const std::string& procedure) {
  for (const auto& [id, text] : kBuiltInProtocols) {
    CASEBOX_TRY(const ProtocolFile file, read_protocol(text, id));
    if (!procedure.empty() && file.protocol.procedure() == procedure)
      return read_lay_words(text, id);
  }
  return LayWords{};
}

}  // namespace casebox::tools
