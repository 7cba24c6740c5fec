#include "analytics/phases/model.h"

#include <cmath>

namespace casebox::analytics::phases {
namespace {

constexpr size_t kPhases = 7;

// Share of the time and mean length of a use (s) of the seven instruments, Cholec80 videos 1-40.
constexpr Use kInstruments[kPhases][7] = {
    // Grasper     Bipolar    Hook        Scissors    Clipper     Irrigator   SpecimenBag
    {{.469, 15}, {.013, 24}, {.001, 2}, {.038, 10}, {0, 0}, {0, 0}, {0, 0}},
    {{.777, 26}, {.017, 17}, {.803, 38}, {0, 0}, {0, 0}, {.028, 12}, {0, 0}},
    {{.668, 14}, {.022, 14}, {.045, 28}, {.184, 16}, {.408, 23}, {.015, 8}, {0, 0}},
    {{.560, 13}, {.035, 18}, {.761, 36}, {.001, 9}, {.007, 10}, {.037, 14}, {0, 0}},
    {{.764, 22}, {.015, 57}, {.025, 19}, {.008, 28}, {0, 0}, {.005, 7}, {.728, 42}},
    {{.549, 12}, {.306, 14}, {.008, 56}, {.011, 13}, {.007, 12}, {.446, 10}, {.288, 12}},
    {{.362, 6}, {.044, 11}, {0, 0}, {0, 0}, {0, 0}, {.033, 5}, {.298, 7}},
};

// Energy follows hook and bipolar in bursts; the pump follows the irrigator; gas is let in during
// preparation and let out to retrieve the gallbladder; the light is on as long as somebody looks.
constexpr Use kDevices[kPhases][4] = {
    // energy     pump        insufflation light
    {{.003, 2.4}, {.001, 10}, {.5, 60}, {.998, 300}},
    {{.22, 2.4}, {.028, 12}, {.998, 2000}, {.9995, 2000}},
    {{.01, 2.4}, {.015, 8}, {.998, 2000}, {.9995, 2000}},
    {{.20, 2.4}, {.037, 14}, {.998, 2000}, {.9995, 2000}},
    {{.003, 2.4}, {.005, 7}, {.995, 1000}, {.9995, 2000}},
    {{.08, 2.4}, {.446, 10}, {.99, 500}, {.9995, 2000}},
    {{.003, 2.4}, {.033, 5}, {.08, 6}, {.998, 300}},
};

// How long each lasts; and what the search for it can claim, by four times ten videos that it had
// not seen (tests/integration/phases_real_test.cpp, docs/analysis.md).
struct Lasts {
  const char* label;
  double mu, sigma;
  double spread_s, unfound_limit;
};
constexpr Lasts kLasts[kPhases] = {{"Preparation", 4.600, .675, 0, .05},
                                   {"CalotTriangleDissection", 6.723, .525, 1, .05},
                                   {"ClippingCutting", 4.825, .773, 0, .05},
                                   {"GallbladderDissection", 6.580, .588, 33, .05},
                                   {"GallbladderPackaging", 4.457, .507, 24, .0009},
                                   {"CleaningCoagulation", 4.869, .791, 389, .00014},
                                   {"GallbladderRetraction", 4.231, .612, 30, .002}};

// How often one phase followed another in videos 1-40; 8 is the end of the operation.
constexpr int kFollowed[kPhases][kPhases + 1] = {
    {0, 31, 0, 0, 0, 0, 0, 0}, {0, 0, 40, 0, 0, 0, 0, 0}, {0, 0, 0, 40, 0, 0, 0, 0},
    {0, 0, 0, 0, 37, 3, 0, 0}, {0, 0, 0, 0, 0, 33, 7, 0}, {0, 0, 0, 0, 3, 0, 33, 3},
    {0, 0, 0, 0, 0, 3, 0, 37},
};
// What nobody has shown in 40 operations may still happen, between neighbours.
constexpr double kUnseen = 0.2;

State outside() {
  State state;
  state.mu = std::log(30);
  state.sigma = 1.5;
  state.use.fill({.002, 2.5});
  state.use[static_cast<size_t>(Signal::kInsufflation)] = {.05, 5};
  state.use[static_cast<size_t>(Signal::kLight)] = {.02, 5};
  state.openings = {{Signal::kLight, false}};
  return state;
}

Model make() {
  Model model;
  model.procedure = "lap-cholecystectomy";
  for (size_t p = 0; p < kPhases; ++p) {
    State state;
    state.label = kLasts[p].label;
    state.mu = kLasts[p].mu;
    state.sigma = kLasts[p].sigma;
    state.spread_s = kLasts[p].spread_s;
    state.unfound_limit = kLasts[p].unfound_limit;
    for (size_t i = 0; i < 7; ++i) state.use[i] = kInstruments[p][i];
    for (size_t i = 0; i < 4; ++i) state.use[7 + i] = kDevices[p][i];
    model.states.push_back(std::move(state));
  }
  model.states[0].openings = {{Signal::kLight, true}, {Signal::kGrasper, true}};
  model.states[1].openings = {{Signal::kHook, true}};
  model.states[2].openings = {{Signal::kClipper, true}};
  model.states[3].openings = {{Signal::kHook, true}};
  model.states[4].openings = {{Signal::kSpecimenBag, true}};
  model.states[5].openings = {{Signal::kIrrigator, true}, {Signal::kPump, true}};
  model.states[6].openings = {{Signal::kSpecimenBag, true}, {Signal::kInsufflation, false}};

  // States 7 and 8: before and after.
  const size_t before = kPhases, after = kPhases + 1, end = kPhases + 2;
  model.states.push_back(outside());
  model.states.push_back(outside());
  model.transition.assign(end, std::vector<double>(end + 1, 0));
  for (size_t p = 0; p < kPhases; ++p) {
    double sum = 0;
    const auto count = [&](size_t to) {
      const bool neighbour = to != p && (to == kPhases || (to + 2 >= p && to <= p + 2));
      return kFollowed[p][to] + (neighbour ? kUnseen : 0);
    };
    for (size_t to = 0; to <= kPhases; ++to) sum += count(to);
    for (size_t to = 0; to < kPhases; ++to) model.transition[p][to] = count(to) / sum;
    // A recording may end with the operation or go on.
    model.transition[p][after] = .9 * count(kPhases) / sum;
    model.transition[p][end] = .1 * count(kPhases) / sum;
  }
  // Nine of the 40 videos begin after the preparation; a room recorded from before it has one.
  model.transition[before][0] = .98;
  model.transition[before][1] = .02;
  model.transition[after][end] = 1;
  model.begin.assign(end, 0);
  model.begin[0] = .1 * 31 / 40;
  model.begin[1] = .1 * 9 / 40;
  model.begin[before] = .9;
  return model;
}

}  // namespace

const Model& cholecystectomy() {
  static const Model kModel = make();
  return kModel;
}

}  // namespace casebox::analytics::phases
