#include <gtest/gtest.h>

#include "tools/web/router.h"

namespace casebox::tools::web {
namespace {

Router with_route() {
  Router router;
  router.add("/api/cases/{id}/samples", [](const Request& request) -> Result<Response> {
    return Response{200, "text/plain", request.params.at("id") + "|" + request.text("stream"), {}};
  });
  return router;
}

Response get(const Router& router, const std::string& target) {
  auto request = parse_target("GET", target);
  return request ? router.handle(*request) : error_response(request.error());
}

TEST(Router, GivesPathAndQueryValuesDecoded) {
  const Response response = get(with_route(), "/api/cases/ab%20c/samples?stream=a%2Fb+c&x=1");
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.body, "ab c|a/b c");
}

TEST(Router, DoesNotMatchAnEmptyOrAnExtraSegment) {
  EXPECT_EQ(get(with_route(), "/api/cases//samples").status, 404u);
  EXPECT_EQ(get(with_route(), "/api/cases/a/samples/b").status, 404u);
  EXPECT_EQ(get(with_route(), "/api/cases/a").status, 404u);
}

TEST(Router, RefusesEveryMethodThatCouldChangeSomething) {
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    auto request = parse_target(method, "/api/cases/a/samples");
    ASSERT_TRUE(request);
    EXPECT_EQ(with_route().handle(*request).status, 405u) << method;
  }
}

TEST(Router, RefusesTargetsThatClimbOrHideBytes) {
  for (const char* target :
       {"", "x", "/../etc/passwd", "/a/%2e%2e/b", "/a/./b", "/a%00b", "/a%zz", "/a%4",
        "http://evil/", "/a%ff", "/a?b=%ff/%ff", "/a?%c0%80=b", "/a?b=%ed%a0%80"})
    EXPECT_FALSE(parse_target("GET", target)) << target;
  EXPECT_FALSE(parse_target("GET", "/" + std::string(5000, 'a')));
}

TEST(Router, TurnsErrorsIntoStatusAndCode) {
  Router router;
  router.add("/denied", [](const Request&) -> Result<Response> {
    return Error{Code::kDenied, "no consent"};
  });
  const Response response = get(router, "/denied");
  EXPECT_EQ(response.status, 403u);
  EXPECT_NE(response.body.find("no consent"), std::string::npos);
}

TEST(Request, TakesOnlyWholeFiniteNumbers) {
  auto request = parse_target("GET", "/?a=1.5&b=1.5x&c=nan&d=inf&e=");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->number("a").value(), 1.5);
  EXPECT_EQ(request->number("missing").value(), std::nullopt);
  for (const char* name : {"b", "c", "d", "e"}) EXPECT_FALSE(request->number(name)) << name;
}

}  // namespace
}  // namespace casebox::tools::web
