#include "analytics/readers/model_reader.h"

#include "analytics/readers/internal/byte_source.h"

namespace casebox::analytics::readers {

Result<protocol::Norm> read_model(const std::filesystem::path& path) {
  const std::string name = path.string();
  const bool pnml = name.ends_with(".pnml"), bpmn = name.ends_with(".bpmn");
  if (!pnml && !bpmn && !name.ends_with(".xml"))
    return Error{Code::kInvalidArgument,
                 name + ": not a model file by its name; give .yaml, .pnml or .bpmn"};
  CASEBOX_TRY(const auto source, internal::ByteSource::open(path, 65u << 20));
  CASEBOX_TRY(const std::string text, internal::read_all(*source));
  const bool net = pnml || (!bpmn && text.find("<pnml") != std::string::npos);
  return net ? read_pnml(text, name) : read_bpmn(text, name);
}

}  // namespace casebox::analytics::readers
