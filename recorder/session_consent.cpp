// Consent of a configuration, as codes in the clear.

#include "proto/access/access.h"
#include "recorder/session.h"

namespace casebox::recorder {

Result<void> Session::consent(const std::vector<std::string>& scopes, v1::ConsentGiver by,
                              CaseTime t) {
  if (scopes.empty()) return ok();
  const auto granted = access::scopes_from(scopes);
  if (!granted) return annotate(granted.error(), "consent");
  v1::Consent said;
  for (int i = v1::CONSENT_SCOPE_RECORD; i <= v1::ConsentScope_MAX; ++i)
    if (granted->contains(static_cast<access::Scope>(i)))
      said.add_granted(static_cast<v1::ConsentScope>(i));
  said.set_recorded_by("recorder");
  said.set_given_by(by);
  return producer_->append_consent(said, t);
}

}  // namespace casebox::recorder
