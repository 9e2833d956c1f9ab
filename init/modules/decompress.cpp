// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/decompress.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/text.h"
#include "base/units.h"

namespace vhdboot::modules {

namespace {

constexpr std::string_view kGzipMagic = "\x1F\x8B";
constexpr std::string_view kXzMagic{
    "\xFD"
    "7zXZ\0",
    6};
constexpr std::string_view kZstdMagic = "\x28\xB5\x2F\xFD";

constexpr std::uint64_t kXzMemory = 128 * kMiB;  // what xz -9e needs is 65 MiB
constexpr int kZstdWindowLog = 27;               // 128 MiB, what zstd reads without --long

/// Room that grows up to a cap, and one byte more so that "exactly the cap" can be told from "more".
class Output {
 public:
  Output(std::size_t expected, std::size_t cap) : cap_(cap) { bytes_.resize(std::min(expected, limit())); }

  /// Room for more; empty when there is none left.
  [[nodiscard]] MutableBytes room() {
    constexpr std::size_t kLeast = 64 * 1024;
    if (used_ == bytes_.size()) bytes_.resize(std::min(limit(), std::max(kLeast, bytes_.size() * 2)));
    return MutableBytes(bytes_).subspan(used_);
  }
  void add(std::size_t count) { used_ += count; }

  [[nodiscard]] bool over() const { return used_ > cap_; }
  [[nodiscard]] std::vector<std::byte> finish() && {
    bytes_.resize(used_);
    return std::move(bytes_);
  }

 private:
  [[nodiscard]] std::size_t limit() const { return cap_ == SIZE_MAX ? cap_ : cap_ + 1; }

  std::size_t cap_;
  std::size_t used_ = 0;
  std::vector<std::byte> bytes_;
};

/// A step of a decoder takes from `in` and gives into `out`: what it has done, and whether the stream is complete.
struct Step {
  std::size_t taken = 0;
  std::size_t given = 0;
  bool complete = false;
};

std::unexpected<Error> damaged(std::string_view format, std::string_view why) {
  return fail(Code::Corrupt, concat("damaged ", format, " data: ", why));
}

/// Runs a decoder to the end. It has `Result<Step> step(Bytes in, MutableBytes out)`.
template <class Decoder>
Result<std::vector<std::byte>> run(Decoder& decoder, std::string_view format, Bytes in, std::size_t cap) {
  constexpr std::size_t kUsualRatio = 4;
  Output output(in.size() > cap / kUsualRatio ? cap : in.size() * kUsualRatio, cap);
  for (;;) {
    const auto room = output.room();
    const Step step = TRY(decoder.step(in, room));
    in = in.subspan(step.taken);
    output.add(step.given);
    if (output.over()) return fail(Code::NoMemory, concat("the ", format, " data holds more than ", human_size(cap)));
    if (step.complete) return std::move(output).finish();
    if (step.taken == 0 && step.given == 0) return damaged(format, "it ends early");
  }
}

class GzipDecoder {
 public:
  GzipDecoder() : ready_(inflateInit2(&stream_, kWindowBits) == Z_OK) {}
  GzipDecoder(const GzipDecoder&) = delete;
  GzipDecoder& operator=(const GzipDecoder&) = delete;
  ~GzipDecoder() {
    if (ready_) inflateEnd(&stream_);
  }

  Result<Step> step(Bytes in, MutableBytes out) {
    if (!ready_) return fail(Code::NoMemory, "no memory to decompress gzip data");
    const auto in_size = static_cast<uInt>(std::min<std::size_t>(in.size(), kChunk));
    const auto out_size = static_cast<uInt>(std::min<std::size_t>(out.size(), kChunk));
    // zlib's interface is older than const; it does not write there.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
    stream_.avail_in = in_size;
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = out_size;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR) return fail(Code::NoMemory, "no memory to decompress gzip data");
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
      return damaged("gzip", stream_.msg != nullptr ? stream_.msg : "wrong");
    Step step{.taken = in_size - stream_.avail_in, .given = out_size - stream_.avail_out};
    if (result == Z_STREAM_END) {
      // Another member may follow at once; what else follows (zero padding, a signature) is none of our business.
      const auto rest = in.subspan(step.taken);
      step.complete = !as_text(rest).starts_with(kGzipMagic) || inflateReset(&stream_) != Z_OK;
    }
    return step;
  }

 private:
  static constexpr int kWindowBits = 15 + 16;  // + 16: a gzip header is a must
  static constexpr std::size_t kChunk = 1U << 30;
  z_stream stream_{};
  bool ready_;
};

class XzDecoder {
 public:
  XzDecoder() : state_(lzma_stream_decoder(&stream_, kXzMemory, LZMA_CONCATENATED)) {}
  XzDecoder(const XzDecoder&) = delete;
  XzDecoder& operator=(const XzDecoder&) = delete;
  ~XzDecoder() { lzma_end(&stream_); }

  Result<Step> step(Bytes in, MutableBytes out) {
    if (state_ == LZMA_OK) {
      stream_.next_in = reinterpret_cast<const std::uint8_t*>(in.data());
      stream_.avail_in = in.size();
      stream_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
      stream_.avail_out = out.size();
      state_ = lzma_code(&stream_, LZMA_FINISH);
    }
    switch (state_) {
      case LZMA_OK:
      case LZMA_STREAM_END:
        break;
      case LZMA_BUF_ERROR:
        return damaged("xz", "it ends early");
      case LZMA_MEM_ERROR:
      case LZMA_MEMLIMIT_ERROR:
        return fail(Code::NoMemory, "not enough memory to decompress xz data");
      case LZMA_OPTIONS_ERROR:
        return fail(Code::Unsupported, "xz data with a filter that is not supported");
      default:
        return damaged("xz", "a checksum or a field is wrong");
    }
    return Step{.taken = in.size() - stream_.avail_in,
                .given = out.size() - stream_.avail_out,
                .complete = state_ == LZMA_STREAM_END};
  }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  lzma_ret state_;
};

class ZstdDecoder {
 public:
  ZstdDecoder() : stream_(ZSTD_createDStream()) {
    if (stream_) (void)ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kZstdWindowLog);
  }

  Result<Step> step(Bytes in, MutableBytes out) {
    if (!stream_) return fail(Code::NoMemory, "no memory to decompress zstd data");
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const auto result = ZSTD_decompressStream(stream_.get(), &to, &from);
    if (ZSTD_isError(result) != 0) return damaged("zstd", ZSTD_getErrorName(result));
    // 0: a frame is complete; another one may follow.
    return Step{.taken = from.pos, .given = to.pos, .complete = result == 0 && from.pos == in.size()};
  }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };
  std::unique_ptr<ZSTD_DStream, Free> stream_;
};

template <class Decoder>
Result<std::vector<std::byte>> decode(std::string_view format, Bytes bytes, std::size_t cap) {
  Decoder decoder;
  return run(decoder, format, bytes, cap);
}

}  // namespace

Compression detect_compression(Bytes bytes) {
  const auto text = as_text(bytes);
  if (text.starts_with(kGzipMagic)) return Compression::Gzip;
  if (text.starts_with(kXzMagic)) return Compression::Xz;
  if (text.starts_with(kZstdMagic)) return Compression::Zstd;
  return Compression::None;
}

std::string_view name(Compression compression) {
  switch (compression) {
    case Compression::Gzip:
      return "gzip";
    case Compression::Xz:
      return "xz";
    case Compression::Zstd:
      return "zstd";
    case Compression::None:
      break;
  }
  return "none";
}

Result<std::vector<std::byte>> decompress(Bytes bytes, std::size_t cap) {
  const auto compression = detect_compression(bytes);
  switch (compression) {
    case Compression::Gzip:
      return decode<GzipDecoder>(name(compression), bytes, cap);
    case Compression::Xz:
      return decode<XzDecoder>(name(compression), bytes, cap);
    case Compression::Zstd:
      return decode<ZstdDecoder>(name(compression), bytes, cap);
    case Compression::None:
      break;
  }
  if (bytes.size() > cap) return fail(Code::NoMemory, concat("the file holds more than ", human_size(cap)));
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

}  // namespace vhdboot::modules
