#pragma once

// Annotated phases as files: MultiBypass JSON ({"phases": [...], "steps": [...]} in ms; its labels
// out_of_body and severe_index lie inside phases and become marks), Cholec80 segments
// (video,start_s,end_s,phase) and a generic table (case,label,start_s,end_s[,level]). One case of
// the file becomes the stream `<source>.phases`, in the order of start times.
//
// Limits: 32 MiB of text, 1,000,000 intervals.
// Thread safety, errors: as Source; open() reads the whole file, so next() does not fail.

#include "recorder/sources/source.h"

namespace casebox::recorder {

class PhasesSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> open(Context context);
  static Result<std::unique_ptr<Source>> parse(Context context, const std::string& text);

  Result<bool> next(std::vector<Item>& out) override;
  std::vector<ClockState> clocks() const override;
  Duration length() const override;

 private:
  struct Mark {
    int64_t start = 0;  // in the file's unit
    int64_t end = 0;
    v1::Interval interval;
  };
  PhasesSource() = default;

  std::vector<Mark> marks_;
  int64_t unit_ns_ = 1'000'000;
  int64_t start_ns_ = 0;
  size_t at_ = 0;
};

/// Of annotations that count frames: how many are a second, where the configuration's unit of time
/// is a frame ("1/25 s"); 0: it does not tell.
double frame_rate_of(const v1::SourceConfig& config);
std::string frame_unit(double frame_rate);

/// The cases a file of annotations names, in its order: one for a JSON file, named as the file.
Result<std::vector<std::string>> phase_cases(const std::string& file,
                                             const std::string& encoding = "");

}  // namespace casebox::recorder
