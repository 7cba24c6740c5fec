#include "proto/keyring/sealed_names.h"

#include <algorithm>
#include <memory>

#include "proto/seal/seal.h"
#include "proto/vocabulary/vocabulary.h"

namespace casebox::keyring {
namespace {

Bytes associated_data(CaseId case_id, Epoch epoch, uint32_t stream) {
  Bytes out("casebox.names.v1");
  char place[12];
  store_le(place, epoch.value);
  store_le(place + 8, stream);
  out.append(case_id.view());
  out.append(place, sizeof place);
  return out;
}

Result<Bytes> seal_message(const google::protobuf::MessageLite& message, EpochKeys& keys,
                           CaseId case_id, uint32_t stream) {
  const std::string plain = message.SerializeAsString();
  const std::unique_ptr<google::protobuf::MessageLite> again(message.New());
  if (!again->ParseFromString(plain))
    return Error{Code::kInvalidArgument, "stream " + std::to_string(stream) +
                                             ": a name that is not UTF-8 would never be read "
                                             "again; convert it first"};
  CASEBOX_TRY(seal::Aead * aead, keys.names_aead());
  seal::Nonce nonce;
  seal::random_bytes(nonce.data(), nonce.size());
  Bytes out(reinterpret_cast<const char*>(nonce.data()), nonce.size());
  CASEBOX_CHECK(aead->seal(nonce, associated_data(case_id, keys.epoch(), stream), plain, out));
  return out;
}

Result<void> open_message(BytesView sealed, EpochKeys& keys, CaseId case_id, uint32_t stream,
                          google::protobuf::MessageLite& message) {
  const auto bad = [&](const char* what) {
    return Error{Code::kCorrupt, "case " + to_string(case_id) + " epoch " +
                                     to_string(keys.epoch()) + " stream " + std::to_string(stream) +
                                     ": its sealed names " + what + "; run casebox verify"};
  };
  seal::Nonce nonce;
  if (sealed.size() < nonce.size() + seal::kTagSize) return bad("are cut short");
  std::copy_n(sealed.begin(), nonce.size(), nonce.begin());
  CASEBOX_TRY(seal::Aead * aead, keys.names_aead());
  Bytes plain;
  if (!aead->open(nonce, associated_data(case_id, keys.epoch(), stream),
                  sealed.substr(nonce.size()), plain))
    return bad("do not open with the epoch's key");
  if (!message.ParseFromString(plain)) return bad("do not parse");
  return ok();
}

/// Copies into `shown` what `known` holds of a text, else into `sealed`; `token` stands for it.
void part(const std::string& text, bool known, const std::string& token, std::string* shown,
          std::string* sealed) {
  *shown = known ? text : token;
  if (!known) *sealed = text;
}

v1::Channel shown_channel(const v1::Channel& channel, v1::StreamNames& names) {
  v1::Channel out;
  v1::ChannelNames sealed;
  out.set_id(channel.id());
  out.set_type(channel.type());
  out.set_gain(channel.gain());
  out.set_offset(channel.offset());
  out.set_decimals(channel.decimals());
  out.set_samples_per_tick(channel.samples_per_tick());
  part(channel.name(), channel.name().empty() || vocabulary::is_channel_name(channel.name()),
       "channel-" + std::to_string(channel.id()), out.mutable_name(), sealed.mutable_name());
  part(channel.unit(), vocabulary::is_unit(channel.unit()), "", out.mutable_unit(),
       sealed.mutable_unit());
  part(channel.code(), vocabulary::is_nomenclature(channel.code()), "", out.mutable_code(),
       sealed.mutable_code());
  if (channel.has_text()) {
    v1::TextFormat& text = *out.mutable_text();
    text.set_style(channel.text().style());
    text.set_precision(channel.text().precision());
    part(channel.text().nan(), vocabulary::is_missing_text(channel.text().nan()), "",
         text.mutable_nan(), sealed.mutable_nan());
  }
  if (sealed.ByteSizeLong() > 0) {
    sealed.set_id(channel.id());
    *names.add_channels() = std::move(sealed);
  }
  return out;
}

v1::MediaFormat shown_media(const v1::MediaFormat& media, v1::StreamNames& names) {
  v1::MediaFormat out;
  if (media.has_time_base()) *out.mutable_time_base() = media.time_base();
  if (media.has_frame_rate()) *out.mutable_frame_rate() = media.frame_rate();
  out.set_width(media.width());
  out.set_height(media.height());
  out.set_sample_rate(media.sample_rate());
  out.set_audio_channels(media.audio_channels());
  part(media.codec(), vocabulary::is_codec(media.codec()), "", out.mutable_codec(),
       names.mutable_codec());
  part(media.codec_string(), vocabulary::is_codec_string(media.codec_string()), "",
       out.mutable_codec_string(), names.mutable_codec_string());
  names.set_init_segment(media.init_segment());
  names.set_extradata(media.extradata());
  return out;
}

/// Only what is listed here is shown: a field that is added later is not, until it is listed.
v1::Stream shown_stream(const v1::Stream& stream, v1::StreamNames& names) {
  v1::Stream out;
  out.set_stream_id(stream.stream_id());
  out.set_kind(stream.kind());
  out.set_stream_class(stream.stream_class());
  if (stream.has_tick_rate_hz()) *out.mutable_tick_rate_hz() = stream.tick_rate_hz();
  out.set_clock_id(stream.clock_id());
  out.set_by_policy_absent(stream.by_policy_absent());
  part(stream.name(), stream.name().empty() || vocabulary::is_stream_name(stream.name()),
       "stream-" + std::to_string(stream.stream_id()), out.mutable_name(), names.mutable_name());
  part(stream.device(), vocabulary::is_device(stream.device()), "", out.mutable_device(),
       names.mutable_device());
  part(stream.source_time_unit(), vocabulary::is_time_unit(stream.source_time_unit()), "",
       out.mutable_source_time_unit(), names.mutable_source_time_unit());
  part(stream.policy_reason(),
       stream.policy_reason().empty() || vocabulary::is_reason(stream.policy_reason()), "other",
       out.mutable_policy_reason(), names.mutable_policy_reason());
  for (const v1::Channel& channel : stream.channels())
    *out.add_channels() = shown_channel(channel, names);
  if (stream.has_media()) *out.mutable_media() = shown_media(stream.media(), names);
  return out;
}

void put(const std::string& text, std::string* into) {
  if (!text.empty()) *into = text;
}

v1::RecorderConfig shown_config(const v1::RecorderConfig& config) {
  v1::RecorderConfig out;
  out.set_room_slot(config.room_slot());
  out.set_frame_max_ms(config.frame_max_ms());
  out.set_sync_max_ms(config.sync_max_ms());
  out.set_queue_items(config.queue_items());
  for (const v1::SourceConfig& source : config.sources()) {
    v1::SourceConfig& shown = *out.add_sources();
    if (vocabulary::is_source_type(source.type())) shown.set_type(source.type());
    const std::string& kept = source.stream_class();
    if (kept == "A" || kept == "B" || kept == "C") shown.set_stream_class(kept);
    shown.set_as_fast_as_possible(source.as_fast_as_possible());
    shown.set_record_audio(source.record_audio());
  }
  return out;
}

}  // namespace

Result<v1::Stream> seal_names(const v1::Stream& stream, EpochKeys& keys, CaseId case_id) {
  v1::StreamNames names;
  v1::Stream shown = shown_stream(stream, names);
  if (names.ByteSizeLong() > 0) {
    CASEBOX_TRY(*shown.mutable_sealed_names(),
                seal_message(names, keys, case_id, stream.stream_id()));
  }
  return shown;
}

Result<void> open_names(v1::Stream& stream, EpochKeys& keys, CaseId case_id) {
  if (stream.sealed_names().empty()) return ok();
  v1::StreamNames names;
  CASEBOX_CHECK(open_message(stream.sealed_names(), keys, case_id, stream.stream_id(), names));
  stream.clear_sealed_names();
  put(names.name(), stream.mutable_name());
  put(names.device(), stream.mutable_device());
  put(names.source_time_unit(), stream.mutable_source_time_unit());
  put(names.policy_reason(), stream.mutable_policy_reason());
  for (const v1::ChannelNames& sealed : names.channels())
    for (v1::Channel& channel : *stream.mutable_channels()) {
      if (channel.id() != sealed.id()) continue;
      put(sealed.name(), channel.mutable_name());
      put(sealed.unit(), channel.mutable_unit());
      put(sealed.code(), channel.mutable_code());
      if (!sealed.nan().empty()) channel.mutable_text()->set_nan(sealed.nan());
    }
  if (!stream.has_media()) return ok();
  v1::MediaFormat& media = *stream.mutable_media();
  put(names.codec(), media.mutable_codec());
  put(names.codec_string(), media.mutable_codec_string());
  put(names.init_segment(), media.mutable_init_segment());
  put(names.extradata(), media.mutable_extradata());
  return ok();
}

Result<void> seal_config(v1::CaseFrame& frame, EpochKeys& keys, CaseId case_id) {
  if (!frame.has_config()) return ok();
  CASEBOX_TRY(*frame.mutable_sealed_config(), seal_message(frame.config(), keys, case_id, 0));
  *frame.mutable_config() = shown_config(frame.config());
  return ok();
}

Result<void> open_config(v1::CaseFrame& frame, EpochKeys& keys, CaseId case_id) {
  if (frame.sealed_config().empty()) return ok();
  v1::RecorderConfig config;
  CASEBOX_CHECK(open_message(frame.sealed_config(), keys, case_id, 0, config));
  *frame.mutable_config() = std::move(config);
  frame.clear_sealed_config();
  return ok();
}

}  // namespace casebox::keyring
