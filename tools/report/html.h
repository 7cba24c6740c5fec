#pragma once

// HTML that cannot be injected into: text becomes markup only through `Html`, which escapes it, and
// tags are made by functions. Nothing else of a report ever concatenates markup.
//
// Thread safety: values. Errors: none; bytes that are not UTF-8 become U+FFFD, control characters
// too.

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace casebox::tools::report {

/// A piece of markup. Made from text it holds that text, escaped.
class Html {
 public:
  Html() = default;
  Html(std::string_view text);                                     // NOLINT: implicit
  Html(const std::string& text) : Html(std::string_view(text)) {}  // NOLINT: implicit
  Html(const char* text) : Html(std::string_view(text)) {}         // NOLINT: implicit

  Html& operator+=(const Html& other);
  bool empty() const { return markup_.empty(); }
  const std::string& markup() const { return markup_; }

 private:
  friend Html tag(const char*, const std::vector<std::pair<std::string, std::string>>&,
                  const std::vector<Html>&);
  std::string markup_;
};

using Attributes = std::vector<std::pair<std::string, std::string>>;
using Children = std::vector<Html>;

/// <name attributes>children</name>; values of attributes are escaped too. `name` and attribute
/// names are literals of the program.
Html tag(const char* name, const Attributes& attributes, const Children& children);
inline Html tag(const char* name, const Children& children) { return tag(name, {}, children); }
Html join(const Children& parts);

struct Column {
  std::string name;
  bool number = false;  // right-aligned
};
/// A table with a caption for people who listen; "None." in place of a body without rows.
Html table(const std::string& caption, const std::vector<Column>& columns,
           const std::vector<std::vector<Html>>& rows, const std::string& none = "None.");

/// A whole document without any outside reference: its own style, a policy that forbids the rest.
/// The verdict of what a page shows.
struct PageVerdict {
  std::string name;  // "COMPLETE", ...; empty: of no single case
  bool complete = true;
  std::string why;  // first problem
};
/// A whole document. The verdict stands in its title and, unless it is a good one, on its first
/// line.
std::string page(const std::string& title, const std::string& body_class,
                 const PageVerdict& verdict, const Children& body);

/// "CalotTriangleDissection", "time-out" -> "Calot triangle dissection", "Time out".
std::string words(const std::string& code);
/// Its first letter, if it is one of a to z, as a capital.
std::string capital(std::string text);

}  // namespace casebox::tools::report
