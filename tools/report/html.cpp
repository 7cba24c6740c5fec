#include "tools/report/html.h"

#include "tools/report/style.h"

namespace casebox::tools::report {
namespace {

constexpr const char* kReplacement = "\xEF\xBF\xBD";

/// Length of the well-formed UTF-8 sequence at `i`; 0 if there is none (RFC 3629).
size_t sequence(std::string_view s, size_t i) {
  const auto at = [&](size_t k) { return static_cast<unsigned char>(s[k]); };
  const unsigned char c = at(i);
  if (c < 0x80) return 1;
  size_t n = 0;
  unsigned char low = 0x80, high = 0xBF;
  if (c >= 0xC2 && c <= 0xDF) n = 2;
  if (c >= 0xE0 && c <= 0xEF) n = 3;
  if (c >= 0xF0 && c <= 0xF4) n = 4;
  if (c == 0xE0) low = 0xA0;
  if (c == 0xED) high = 0x9F;
  if (c == 0xF0) low = 0x90;
  if (c == 0xF4) high = 0x8F;
  if (n == 0 || i + n > s.size() || at(i + 1) < low || at(i + 1) > high) return 0;
  for (size_t k = i + 2; k < i + n; ++k)
    if (at(k) < 0x80 || at(k) > 0xBF) return 0;
  return n;
}

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t n = sequence(text, i);
    const char c = text[i];
    if (n != 1) {
      out.append(n == 0 ? kReplacement : text.substr(i, n));
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else if ((c >= 0 && c < 0x20 && c != '\n' && c != '\t') || c == 0x7F) {
      out += kReplacement;
    } else {
      out += c;
    }
    i += n == 0 ? 1 : n;
  }
  return out;
}

bool upper(char c) { return c >= 'A' && c <= 'Z'; }
bool lower(char c) { return c >= 'a' && c <= 'z'; }

}  // namespace

Html::Html(std::string_view text) : markup_(escaped(text)) {}

Html& Html::operator+=(const Html& other) {
  markup_ += other.markup_;
  return *this;
}

Html tag(const char* name, const Attributes& attributes, const Children& children) {
  Html out;
  out.markup_ = std::string("<") + name;
  for (const auto& [key, value] : attributes)
    out.markup_ += " " + key + "=\"" + escaped(value) + "\"";
  out.markup_ += ">";
  for (const Html& child : children) out.markup_ += child.markup_;
  out.markup_ += std::string("</") + name + ">";
  return out;
}

Html join(const Children& parts) {
  Html out;
  for (const Html& part : parts) out += part;
  return out;
}

Html table(const std::string& caption, const std::vector<Column>& columns,
           const std::vector<std::vector<Html>>& rows, const std::string& none) {
  if (rows.empty()) return tag("p", {{"class", "none"}}, {none});
  Children head, body;
  for (const Column& column : columns)
    head.push_back(
        tag("th", {{"scope", "col"}, {"class", column.number ? "num" : ""}}, {column.name}));
  for (const auto& row : rows) {
    Children cells;
    for (size_t i = 0; i < row.size(); ++i)
      cells.push_back(
          tag("td", {{"class", i < columns.size() && columns[i].number ? "num" : ""}}, {row[i]}));
    body.push_back(tag("tr", cells));
  }
  return tag("div", {{"class", "scroll"}},
             {tag("table", {tag("caption", {caption}), tag("thead", {tag("tr", head)}),
                            tag("tbody", body)})});
}

std::string page(const std::string& title, const std::string& body_class,
                 const PageVerdict& verdict, const Children& body) {
  Children all;
  if (!verdict.complete)
    all.push_back(tag("p", {{"class", "verdict bad"}, {"role", "alert"}},
                      {verdict.name +
                       ": what is shown here is not a complete record as it was "
                       "signed. " +
                       verdict.why}));
  all.insert(all.end(), body.begin(), body.end());
  // The style is the program's own text and the only raw part; the policy lets nothing be fetched.
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
         "style-src 'unsafe-inline'; img-src data:\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"referrer\" content=\"no-referrer\">\n" +
         tag("title", {verdict.name.empty() ? title : title + " (" + verdict.name + ")"}).markup() +
         "\n<style>" + kStyle + "</style>\n</head>\n" +
         tag("body", {{"class", body_class}}, {tag("main", all)}).markup() + "\n</html>\n";
}

std::string capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 32);
  return text;
}

std::string words(const std::string& code) {
  std::string out;
  for (size_t i = 0; i < code.size(); ++i) {
    const char c = code[i];
    if (c == '-' || c == '_' || c == '.') {
      out += ' ';
    } else {
      if (i > 0 && upper(c) && lower(code[i - 1])) out += ' ';
      out += upper(c) ? static_cast<char>(c + 32) : c;
    }
  }
  if (!out.empty() && lower(out[0])) out[0] = static_cast<char>(out[0] - 32);
  return out;
}

}  // namespace casebox::tools::report
