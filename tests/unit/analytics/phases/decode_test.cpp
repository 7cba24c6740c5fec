// The search for phases on small courses made by hand, where the right answer is known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "analytics/phases/decode.h"
#include "analytics/phases/internal/evidence.h"

namespace casebox::analytics::phases {
namespace {

int64_t ns(double s) { return static_cast<int64_t>(s * 1e9); }

class Course {
 public:
  Course() { builder_.span(CaseTime{0}, CaseTime{ns(1500)}); }
  void use(Signal signal, double on_s, double off_s) {
    builder_.level(signal, {ns(on_s), true, 0, {}});
    builder_.level(signal, {ns(off_s), false, 0, {}});
  }
  /// One use after the other, with short pauses.
  void uses(Signal signal, double from_s, double to_s, double on_s, double pause_s) {
    for (double t = from_s; t < to_s; t += on_s + pause_s) use(signal, t, std::min(to_s, t + on_s));
  }
  SignalsBuilder& builder() { return builder_; }

  /// Preparation 10-130, Calot 130-600, clipping 600-720, dissection 720-1200, packaging 1200-1280,
  /// cleaning 1280-1370, retraction 1370-1440.
  static Course typical(bool with_light = true) {
    Course course;
    if (with_light) course.use(Signal::kLight, 11, 1441);
    course.use(Signal::kInsufflation, 70, 1373);
    course.uses(Signal::kGrasper, 12, 128, 15, 15);
    course.uses(Signal::kHook, 133, 597, 38, 9);
    course.uses(Signal::kGrasper, 135, 597, 26, 8);
    course.uses(Signal::kClipper, 603, 717, 20, 22);
    course.uses(Signal::kScissors, 640, 700, 12, 30);
    course.uses(Signal::kHook, 723, 1197, 36, 9);
    course.uses(Signal::kGrasper, 730, 1197, 13, 10);
    course.uses(Signal::kSpecimenBag, 1203, 1277, 42, 10);
    course.uses(Signal::kIrrigator, 1283, 1367, 12, 12);
    course.uses(Signal::kBipolar, 1290, 1367, 14, 28);
    course.uses(Signal::kSpecimenBag, 1373, 1437, 10, 12);
    return course;
  }

 private:
  SignalsBuilder builder_;
};

std::vector<std::string> labels(const Decoded& decoded) {
  std::vector<std::string> out;
  for (const FoundPhase& phase : decoded.phases) out.push_back(phase.label);
  return out;
}

const std::vector<std::string> kUsual = {"Preparation",          "CalotTriangleDissection",
                                         "ClippingCutting",      "GallbladderDissection",
                                         "GallbladderPackaging", "CleaningCoagulation",
                                         "GallbladderRetraction"};
const std::vector<double> kStarts = {10, 130, 600, 720, 1200, 1280, 1370};

TEST(Phases, AreFoundWhereTheirInstrumentsComeIn) {
  const auto decoded = decode(Course::typical().builder().finish(), cholecystectomy());
  ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
  ASSERT_EQ(labels(*decoded), kUsual);
  for (size_t i = 0; i < kStarts.size(); ++i) {
    EXPECT_NEAR(decoded->phases[i].start.t_s, kStarts[i], 5) << kUsual[i];
    EXPECT_LE(decoded->phases[i].start.low_s, decoded->phases[i].start.t_s);
    EXPECT_GE(decoded->phases[i].start.high_s, decoded->phases[i].start.t_s);
  }
  EXPECT_NEAR(decoded->phases.back().end.t_s, 1440, 5);
}

TEST(Phases, FollowEachOtherWithoutHoles) {
  const auto decoded = decode(Course::typical().builder().finish(), cholecystectomy());
  ASSERT_TRUE(decoded.has_value());
  for (size_t i = 1; i < decoded->phases.size(); ++i)
    EXPECT_EQ(decoded->phases[i - 1].end.t_s, decoded->phases[i].start.t_s);
}

TEST(Phases, AreFoundWithoutALightSource) {
  const auto decoded = decode(Course::typical(false).builder().finish(), cholecystectomy());
  ASSERT_TRUE(decoded.has_value());
  ASSERT_EQ(labels(*decoded), kUsual);
  for (size_t i = 1; i < kStarts.size(); ++i)
    EXPECT_NEAR(decoded->phases[i].start.t_s, kStarts[i], 5) << kUsual[i];
}

TEST(Phases, SurviveAFalseSightingOfAnInstrument) {
  Course course = Course::typical();
  course.use(Signal::kClipper, 300, 302);      // in Calot's dissection
  course.use(Signal::kSpecimenBag, 900, 902);  // in the gallbladder's
  const auto decoded = decode(course.builder().finish(), cholecystectomy());
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(labels(*decoded), kUsual);
}

TEST(Phases, AreLessSurelyPlacedWhereNothingWasRecorded) {
  Course seen = Course::typical(), blind = Course::typical();
  for (size_t i = 0; i < kSignals; ++i)
    blind.builder().unseen(static_cast<Signal>(i), {CaseTime{ns(560)}, CaseTime{ns(640)}});
  const auto with = decode(seen.builder().finish(), cholecystectomy());
  const auto without = decode(blind.builder().finish(), cholecystectomy());
  ASSERT_TRUE(with.has_value());
  ASSERT_TRUE(without.has_value());
  ASSERT_EQ(labels(*without), kUsual);
  EXPECT_GT(without->phases[2].start.high_s - without->phases[2].start.low_s,
            2 * (with->phases[2].start.high_s - with->phases[2].start.low_s));
}

TEST(Phases, ACleaningAfterTheRetractionIsFound) {
  Course course;
  course.use(Signal::kLight, 11, 1441);
  course.use(Signal::kInsufflation, 70, 1263);
  course.use(Signal::kInsufflation, 1324, 1442);
  course.uses(Signal::kGrasper, 12, 128, 15, 15);
  course.uses(Signal::kHook, 133, 597, 38, 9);
  course.uses(Signal::kGrasper, 135, 597, 26, 8);
  course.uses(Signal::kClipper, 603, 717, 20, 22);
  course.uses(Signal::kHook, 723, 1147, 36, 9);
  course.uses(Signal::kGrasper, 730, 1147, 13, 10);
  course.uses(Signal::kSpecimenBag, 1153, 1257, 42, 10);
  course.uses(Signal::kSpecimenBag, 1263, 1317, 10, 12);
  course.uses(Signal::kIrrigator, 1323, 1437, 12, 12);
  course.uses(Signal::kBipolar, 1330, 1437, 14, 28);
  const auto decoded = decode(course.builder().finish(), cholecystectomy());
  ASSERT_TRUE(decoded.has_value());
  ASSERT_THAT(labels(*decoded), testing::SizeIs(7)) << testing::PrintToString(labels(*decoded));
  EXPECT_EQ(decoded->phases[5].label, "GallbladderRetraction");
  EXPECT_EQ(decoded->phases[6].label, "CleaningCoagulation");
  EXPECT_NEAR(decoded->phases[6].start.t_s, 1320, 5);
}

TEST(Phases, AreFoundWhenOneKindOfInstrumentIsNotWatched) {
  Course course;
  course.use(Signal::kLight, 11, 1441);
  course.use(Signal::kInsufflation, 70, 1373);
  course.uses(Signal::kHook, 133, 597, 38, 9);
  course.uses(Signal::kClipper, 603, 717, 20, 22);
  course.uses(Signal::kHook, 723, 1197, 36, 9);
  course.uses(Signal::kSpecimenBag, 1203, 1277, 42, 10);
  course.uses(Signal::kIrrigator, 1283, 1367, 12, 12);
  course.uses(Signal::kSpecimenBag, 1373, 1437, 10, 12);
  course.builder().present(Signal::kGrasper);
  const auto decoded = decode(course.builder().finish(), cholecystectomy());
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(labels(*decoded), kUsual);
}

/// The typical course with another end of the dissection, and a packaging from there to 1280.
Course packed_from(double from_s) {
  Course course;
  course.use(Signal::kLight, 11, 1441);
  course.use(Signal::kInsufflation, 70, 1373);
  course.uses(Signal::kGrasper, 12, 128, 15, 15);
  course.uses(Signal::kHook, 133, 597, 38, 9);
  course.uses(Signal::kGrasper, 135, 597, 26, 8);
  course.uses(Signal::kClipper, 603, 717, 20, 22);
  course.uses(Signal::kHook, 723, from_s - 3, 36, 9);
  course.uses(Signal::kGrasper, 730, from_s - 3, 13, 10);
  if (from_s < 1280) course.uses(Signal::kSpecimenBag, from_s + .5, 1279.5, 42, 10);
  course.uses(Signal::kIrrigator, 1283, 1367, 12, 12);
  course.uses(Signal::kBipolar, 1290, 1367, 14, 28);
  course.uses(Signal::kSpecimenBag, 1373, 1437, 10, 12);
  return course;
}

TEST(UnfoundPhases, AreNoneWhereAllAreFound) {
  const auto decoded = decode(packed_from(1200).builder().finish(), cholecystectomy());
  ASSERT_TRUE(decoded.has_value());
  ASSERT_EQ(labels(*decoded), kUsual);
  EXPECT_THAT(decoded->unfound, testing::IsEmpty());
}

TEST(UnfoundPhases, AreImprobableWhereTheirInstrumentWasNeverInUse) {
  const auto decoded = decode(packed_from(1280).builder().finish(), cholecystectomy());
  ASSERT_TRUE(decoded.has_value());
  ASSERT_THAT(decoded->unfound, testing::SizeIs(1));
  EXPECT_EQ(decoded->unfound[0].label, "GallbladderPackaging");
  EXPECT_LT(decoded->unfound[0].probability, .01);
}

// The longer the bag was in use, the more probably it was packaging; no course of less than a
// quarter of a minute is the most probable one.
TEST(UnfoundPhases, AreNotRuledOutWhereTheirInstrumentWasInUseForSeconds) {
  double before = 0;
  for (const double from_s : {1280, 1276, 1272, 1268, 1265}) {
    const auto decoded = decode(packed_from(from_s).builder().finish(), cholecystectomy());
    ASSERT_TRUE(decoded.has_value());
    ASSERT_THAT(decoded->unfound, testing::SizeIs(1)) << testing::PrintToString(labels(*decoded));
    EXPECT_EQ(decoded->unfound[0].label, "GallbladderPackaging");
    EXPECT_GT(decoded->unfound[0].probability, before) << from_s;
    before = decoded->unfound[0].probability;
  }
  EXPECT_GT(before, .2);
  EXPECT_LT(before, .8);
}

/// Sum over all courses from `at` on in state `s`, one by one.
double sum_of_courses(const internal::Evidence& evidence, const Model& model,
                      const std::string& left_out, size_t s, size_t at) {
  if (model.states[s].label == left_out) return 0;
  double sum = 0;
  for (size_t to = at + 1; to <= evidence.steps(); ++to) {
    const double here = std::exp(evidence.segment(s, at, to) + evidence.opening(s, at) +
                                 evidence.duration(s, to - at));
    if (to == evidence.steps()) sum += here * model.transition[s][model.states.size()];
    for (size_t next = 0; to < evidence.steps() && next < model.states.size(); ++next)
      if (model.transition[s][next] > 0)
        sum +=
            here * model.transition[s][next] * sum_of_courses(evidence, model, left_out, next, to);
  }
  return sum;
}

TEST(UnfoundPhases, HaveTheProbabilityThatAllCoursesTogetherGiveThem) {
  Model model;
  for (const auto& [label, share, mu] :
       {std::tuple{"a", .3, 1.5}, {"b", .5, 1.0}, {"c", .8, .5}, {"d", .4, 1.2}}) {
    State state{label, mu, .6, {}, {}};
    state.use[static_cast<size_t>(Signal::kHook)] = {share, 4};
    model.states.push_back(state);
  }
  model.states[2].openings = {{Signal::kHook, true}};
  model.transition = {
      {0, .5, .2, .2, .1}, {.3, 0, .2, .2, .3}, {.2, .4, 0, .2, .2}, {.2, .2, .2, 0, .4}};
  model.begin = {.4, .3, .2, .1};
  SignalsBuilder builder;
  builder.span(CaseTime{0}, CaseTime{ns(10)});
  for (double t : {2.2, 7.1}) {
    builder.level(Signal::kHook, {ns(t), true, 0, {}});
    builder.level(Signal::kHook, {ns(t + 1.5), false, 0, {}});
  }
  const Signals signals = builder.finish();
  const auto decoded = decode(signals, model);
  ASSERT_TRUE(decoded.has_value());
  ASSERT_FALSE(decoded->unfound.empty());
  const internal::Evidence evidence(signals, model, 1, DecodeOptions{}.evidence, 1);
  const auto sum = [&](const std::string& left_out) {
    double out = 0;
    for (size_t s = 0; s < model.states.size(); ++s)
      out += model.begin[s] * sum_of_courses(evidence, model, left_out, s, 0);
    return out;
  };
  for (const Unfound& unfound : decoded->unfound)
    EXPECT_NEAR(unfound.probability, 1 - sum(unfound.label) / sum(""), 1e-6) << unfound.label;
}

/// The most probable course, every segment of every state looked at.
double best_of_all(const internal::Evidence& evidence, const Model& model) {
  const size_t steps = evidence.steps(), states = model.states.size();
  const double never = -std::numeric_limits<double>::infinity();
  std::vector<std::vector<double>> entered(steps + 1, std::vector<double>(states, never)),
      best = entered;
  for (size_t s = 0; s < states; ++s) entered[0][s] = std::log(model.begin[s]);
  for (size_t j = 1; j <= steps; ++j) {
    for (size_t s = 0; s < states; ++s)
      for (size_t i = 0; i < j; ++i)
        best[j][s] =
            std::max(best[j][s], entered[i][s] + evidence.opening(s, i) +
                                     evidence.segment(s, i, j) + evidence.duration(s, j - i));
    for (size_t s = 0; s < states; ++s)
      for (size_t before = 0; before < states; ++before)
        entered[j][s] =
            std::max(entered[j][s], best[j][before] + std::log(model.transition[before][s]));
  }
  double out = never;
  for (size_t s = 0; s < states; ++s)
    out = std::max(out, best[steps][s] + std::log(model.transition[s][states]));
  return out;
}

// The search leaves out whatever cannot be the best: on courses like the model's, and on signals
// that are like none.
TEST(Phases, AreTheBestOfAllCoursesThoughNotAllAreLookedAt) {
  const Model& model = cholecystectomy();
  std::vector<Signals> cases = {Course::typical().builder().finish()};
  uint32_t random = 7;
  const auto draw = [&random](double most) {
    random = random * 1664525u + 1013904223u;
    return most * (random >> 8) / 16777216.0;
  };
  for (int k = 0; k < 3; ++k) {
    Course course;
    for (size_t i = 0; i < kSignals; ++i)
      for (double t = draw(300); t < 1400; t += 10 + draw(500))
        course.use(static_cast<Signal>(i), t, t + 1 + draw(60));
    cases.push_back(course.builder().finish());
  }
  for (const Signals& signals : cases) {
    const auto decoded = decode(signals, model);
    ASSERT_TRUE(decoded.has_value());
    const internal::Evidence evidence(signals, model, 1, DecodeOptions{}.evidence, 1);
    EXPECT_NEAR(decoded->log_likelihood, best_of_all(evidence, model), 1e-7);
    for (size_t s = 0; s < model.states.size(); ++s)
      for (size_t shortest = 1; shortest + 63 <= evidence.steps(); shortest += 37)
        for (size_t length = shortest; length < shortest + 64; ++length)
          ASSERT_GE(evidence.duration_bound(s, shortest, shortest + 63),
                    evidence.duration(s, length));
  }
}

TEST(Phases, OfACaseWithoutSignalsAreRefused) {
  Course course;
  const auto decoded = decode(course.builder().finish(), cholecystectomy());
  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().code, Code::kInvalidArgument);
}

TEST(Phases, OfATooShortCaseAreRefused) {
  SignalsBuilder builder;
  builder.span(CaseTime{0}, CaseTime{ns(5)});
  builder.level(Signal::kLight, {ns(2), true, 0, {}});
  EXPECT_FALSE(decode(builder.finish(), cholecystectomy()).has_value());
}

TEST(Signals, AreInOrderAndAlternateHoweverTheyCame) {
  SignalsBuilder builder;
  builder.span(CaseTime{0}, CaseTime{ns(100)});
  builder.level(Signal::kHook, {ns(30), false, 0, {}});
  builder.level(Signal::kHook, {ns(10), true, 0, {}});
  builder.level(Signal::kHook, {ns(20), true, 0, {}});
  builder.unseen(Signal::kHook, {CaseTime{ns(50)}, CaseTime{ns(60)}});
  builder.unseen(Signal::kHook, {CaseTime{ns(55)}, CaseTime{ns(70)}});
  const Signals signals = builder.finish();
  const Track& hook = signals.of(Signal::kHook);
  ASSERT_EQ(hook.changes.size(), 2u);
  EXPECT_EQ(hook.changes[0].t_ns, ns(10));
  EXPECT_TRUE(hook.changes[0].on);
  EXPECT_EQ(hook.changes[1].t_ns, ns(30));
  ASSERT_EQ(hook.unseen.size(), 1u);
  EXPECT_EQ(hook.unseen[0].to.ns, ns(70));
}

TEST(CholecystectomyModel, IsAProbabilityModel) {
  const Model& model = cholecystectomy();
  double begin = 0;
  for (double p : model.begin) begin += p;
  EXPECT_NEAR(begin, 1, .03);
  for (const auto& row : model.transition) {
    double sum = 0;
    for (double p : row) sum += p;
    EXPECT_NEAR(sum, 1, 1e-9);
  }
}

}  // namespace
}  // namespace casebox::analytics::phases
