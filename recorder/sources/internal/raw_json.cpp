// JSON annotations by frame: CholecT50 (Nwoye et al., 2022) and 4D-OR (Özsoy et al., 2022).

#include <charconv>
#include <map>
#include <nlohmann/json.hpp>

#include "recorder/sources/internal/label_runs.h"
#include "recorder/sources/internal/raw_annotations.h"

namespace casebox::recorder::internal {
namespace {

using RawJson = nlohmann::json;

constexpr size_t kTriplet = 0, kTripletPhase = 14, kTripletWidth = 15;
constexpr int64_t kLastFrame = 100'000'000;

Error json_error(const std::string& path, const std::string& what) {
  return {Code::kInvalidArgument, path + ": " + what};
}

std::optional<int64_t> frame_number(const std::string& text) {
  int64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size() || value < 0 || value > kLastFrame)
    return std::nullopt;
  return value;
}

/// The names of ids, as `{"0": "name"}`.
std::map<int64_t, std::string> names_of(const RawJson& categories, const char* kind) {
  std::map<int64_t, std::string> out;
  if (!categories.is_object() || !categories.contains(kind) || !categories[kind].is_object())
    return out;
  for (const auto& [id, name] : categories[kind].items())
    if (const auto number = frame_number(id); number && name.is_string())
      out[*number] = name.get<std::string>();
  return out;
}

std::string name_in(const std::map<int64_t, std::string>& names, int64_t id, const char* kind) {
  const auto it = names.find(id);
  return it == names.end() ? std::string(kind) + " " + std::to_string(id) : it->second;
}

Result<PhaseFile> read_triplets(const RawJson& json, const std::string& path, double rate) {
  const auto triplets = names_of(json["categories"], "triplet");
  const auto phases = names_of(json["categories"], "phase");
  if (rate == 0 && json.contains("fps") && json["fps"].is_number())
    rate = json["fps"].get<double>();
  if (!(rate > 0 && rate <= 1000))
    return json_error(path, "it does not tell how many frames are a second; say --frame-rate");
  std::map<int64_t, const RawJson*> frames;  // keys are texts, in another order
  for (const auto& [key, list] : json["annotations"].items()) {
    const auto number = frame_number(key);
    if (!number || !list.is_array())
      return json_error(path, "annotations: not a number of a frame and its list; mend the file");
    frames[*number] = &list;
  }
  PhaseFile file;
  PhaseCase& one = file.cases.emplace_back();
  one.name = raw_case_name(path);
  LabelRuns runs(rate, 1);
  for (const auto& [number, list] : frames) {
    std::set<std::string> phase, actions;
    for (const RawJson& row : *list) {
      if (!row.is_array() || row.size() != kTripletWidth || !row[kTriplet].is_number() ||
          !row[kTripletPhase].is_number())
        return json_error(path, "annotations of frame " + std::to_string(number) +
                                    ": not the 15 numbers of CholecT50; mend the file");
      const auto triplet = row[kTriplet].get<int64_t>(), of = row[kTripletPhase].get<int64_t>();
      if (of >= 0) phase.insert(name_in(phases, of, "phase"));
      if (triplet >= 0) actions.insert(name_in(triplets, triplet, "triplet"));
    }
    runs.frame(number, phase, v1::Interval::LEVEL_PHASE);
    runs.frame(number, actions, v1::Interval::LEVEL_MARK);
  }
  one.intervals = runs.finish();
  file.notices.push_back(
      "phases and triplets of CholecT50 are read; where things are in the picture is left out");
  return file;
}

bool are_spans(const RawJson& json) {
  if (!json.is_object() || json.empty()) return false;
  for (const auto& [name, span] : json.items())
    if (!span.is_array() || span.size() != 2 || !span[0].is_number_integer() ||
        !span[1].is_number_integer())
      return false;
  return true;
}

const char* const kOneASecond = "its frames are taken as one a second, as those of 4D-OR are";

Result<PhaseFile> read_spans(const RawJson& json, const std::string& path, double rate) {
  PhaseFile file;
  PhaseCase& one = file.cases.emplace_back();
  one.name = raw_case_name(path);
  if (rate == 0) {
    rate = 1;
    file.notices.emplace_back(kOneASecond);
  }
  for (const auto& [name, span] : json.items()) {
    const auto first = span[0].get<int64_t>(), last = span[1].get<int64_t>();
    if (first < 0 || last < first || last > kLastFrame)
      return json_error(path, "a phase ends before it begins, or lies out of range; mend the file");
    PhaseInterval& interval = one.intervals.emplace_back();
    interval.label = name;
    interval.start = frame_us(first, rate);
    interval.end = frame_us(last + 1, rate);
  }
  return file;
}

Result<PhaseFile> read_scene_graphs(const RawJson& json, const std::string& path, double rate) {
  PhaseFile file;
  if (rate == 0) {
    rate = 1;
    file.notices.emplace_back(kOneASecond);
  }
  std::map<int64_t, std::map<int64_t, std::set<std::string>>> takes;
  for (const RawJson& scan : json["scans"]) {
    const auto text = [&](const char* key) {
      return scan.is_object() && scan.contains(key) && scan[key].is_string()
                 ? scan[key].get<std::string>()
                 : std::string();
    };
    const auto frame = frame_number(text("scan"));
    if (!frame || !scan.contains("take_idx") || !scan["take_idx"].is_number_integer() ||
        !scan.contains("relationships") || !scan["relationships"].is_array())
      return json_error(path, "a scan without its take, number and relationships; mend the file");
    auto& labels = takes[scan["take_idx"].get<int64_t>()][*frame];
    const auto object = [&](const RawJson& id) {
      const std::string key = id.is_number_integer() ? std::to_string(id.get<int64_t>()) : "";
      const RawJson& objects = scan.contains("objects") ? scan["objects"] : RawJson::object();
      return objects.is_object() && objects.contains(key) && objects[key].is_string()
                 ? objects[key].get<std::string>()
                 : "object " + key;
    };
    for (const RawJson& relation : scan["relationships"]) {
      if (!relation.is_array() || relation.size() != 4 || !relation[3].is_string())
        return json_error(path,
                          "a relationship that is not subject, object, number, name; mend it");
      labels.insert(object(relation[0]) + " " + relation[3].get<std::string>() + " " +
                    object(relation[1]));
    }
  }
  for (const auto& [take, frames] : takes) {
    PhaseCase& one = file.cases.emplace_back();
    one.name = "take " + std::to_string(take);
    LabelRuns runs(rate, 1);
    for (const auto& [number, labels] : frames)
      runs.frame(number, labels, v1::Interval::LEVEL_MARK);
    one.intervals = runs.finish();
  }
  if (file.cases.empty()) return json_error(path, "no scan in it; is this the file?");
  return file;
}

}  // namespace

std::optional<Result<PhaseFile>> read_raw_json(const RawJson& json, const std::string& path,
                                               double frame_rate) {
  const auto has = [&](const char* key) { return json.is_object() && json.contains(key); };
  if (has("annotations") && has("categories") && json["annotations"].is_object())
    return read_triplets(json, path, frame_rate);
  if (has("scans") && json["scans"].is_array()) return read_scene_graphs(json, path, frame_rate);
  if (are_spans(json)) return read_spans(json, path, frame_rate);
  return std::nullopt;
}

}  // namespace casebox::recorder::internal
