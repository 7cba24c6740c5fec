#pragma once

// A picture in planar YUV 4:2:0 to draw on: rectangles, text in a 5x7 font, the machine-readable
// time bar.
//
// Thread safety: one thread owns a Canvas. Drawing outside the picture is clipped.

#include <cstdint>
#include <string_view>
#include <vector>

namespace casebox::recorder::sim::internal {

struct Colour {
  uint8_t y, u, v;
};
constexpr Colour kBlack{16, 128, 128};
constexpr Colour kWhite{235, 128, 128};

class Canvas {
 public:
  Canvas(int width, int height);

  void fill(int x, int y, int width, int height, Colour colour);
  /// Capitals, digits and ":.-"; other characters leave a space. A pixel of the font is `scale`
  /// wide.
  void text(int x, int y, std::string_view text, int scale, Colour colour);
  /// 32 blocks over the whole width, most significant bit first; 1 is white.
  void bar(uint32_t value, int height);

  int width() const { return width_; }
  int height() const { return height_; }
  const uint8_t* plane(int i) const { return planes_[static_cast<size_t>(i)].data(); }
  int stride(int i) const { return i == 0 ? width_ : width_ / 2; }

 private:
  int width_, height_;
  std::vector<uint8_t> planes_[3];
};

}  // namespace casebox::recorder::sim::internal
