#pragma once

// Annotations as the public sets of surgical videos publish them: a label for each frame, or for
// each change of it.
//
// - Cataract-101: `VideoID;FrameNo;Phase`, where phases begin; with videos.csv and phases.csv
//   beside it (frames, rates, names).
// - Cholec80, m2cai16: `Frame<tab>Phase` with names, 25 frames a second; AutoLaparo: the same with
//   numbers from 1, one a second.
// - HeiChole: `frame,phase` and `frame,grasp,hold,cut,clip` without a header, told by the file's
//   name.
// - Surch: `VideoID,StartTime,EndTime,labelID`, read with the other tables, and the names of its
//   labels from segment_metadata.csv.
// - CholecT50: JSON of triplets and phases by frame. 4D-OR: JSON of phases as first and last frame,
//   and of relations by frame.
//
// Thread safety: free functions.
// Errors: as phase_file.h.

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "recorder/sources/internal/phase_file.h"

namespace casebox::recorder::internal {

/// A table or JSON of one of these forms; nullopt for any other. `frame_rate`: as told; 0: not.
std::optional<Result<PhaseFile>> read_raw_table(const std::string& text, const std::string& path,
                                                double frame_rate);
/// JSON without `phases`.
std::optional<Result<PhaseFile>> read_raw_json(const nlohmann::json& json, const std::string& path,
                                               double frame_rate);
/// Whether a file of this name that begins with this line is such a table.
bool is_raw_phase_header(std::string_view line, const std::string& path);

/// Frames in a table of instruments brought to seconds and to the columns of
/// recorder/sources/instruments_source.h: `Frame<tab>Grasper...` of Cholec80, HeiChole's
/// `_Annotation_Instrument`. What was taken for sure goes to `notices`; nullopt for any other.
std::optional<Result<std::string>> raw_instruments(const std::string& text, const std::string& path,
                                                   double frame_rate,
                                                   std::vector<std::string>& notices);
bool is_raw_instrument_header(std::string_view line, const std::string& path);

/// What a set has in the same folder and is read with such a file.
std::vector<std::string> raw_companions(const std::string& path);

/// Names of label ids, from segment_metadata.csv beside a table of Surch; empty without it.
std::map<std::string, std::string> label_names(const std::string& path);

/// The case that a file of one case is of: its name without what tells its kind.
std::string raw_case_name(const std::string& path);

}  // namespace casebox::recorder::internal
