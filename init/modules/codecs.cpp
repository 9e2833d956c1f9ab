// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/codecs.h"

#include <bzlib.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/text.h"
#include "base/units.h"

namespace vhdboot::modules {

namespace {

constexpr std::size_t kChunk = 1U << 30;         // for decoders that count in 32 bits
constexpr std::uint64_t kXzMemory = 128 * kMiB;  // what xz -9e needs is 65 MiB
constexpr int kZstdWindowLog = 27;               // 128 MiB, what zstd reads without --long

std::unexpected<Error> damaged(std::string_view format, std::string_view why) {
  return fail(Code::Corrupt, concat("damaged ", format, " data: ", why));
}

std::unexpected<Error> no_memory(std::string_view format) {
  return fail(Code::NoMemory, concat("no memory to decompress ", format, " data"));
}

class GzipDecoder final : public Decompressor {
 public:
  GzipDecoder() : ready_(inflateInit2(&stream_, kWindowBits) == Z_OK) {}
  ~GzipDecoder() override {
    if (ready_) inflateEnd(&stream_);
  }

  Result<Step> step(Bytes in, MutableBytes out) override {
    if (!ready_) return no_memory("gzip");
    const auto in_size = static_cast<uInt>(std::min(in.size(), kChunk));
    const auto out_size = static_cast<uInt>(std::min(out.size(), kChunk));
    // zlib's interface is older than const; it does not write there.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
    stream_.avail_in = in_size;
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = out_size;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR) return no_memory("gzip");
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
      return damaged("gzip", stream_.msg != nullptr ? stream_.msg : "wrong");
    return Step{
        .taken = in_size - stream_.avail_in, .given = out_size - stream_.avail_out, .complete = result == Z_STREAM_END};
  }

 private:
  static constexpr int kWindowBits = 15 + 16;  // + 16: a gzip header is a must
  z_stream stream_{};
  bool ready_;
};

class XzDecoder final : public Decompressor {
 public:
  XzDecoder() : state_(lzma_stream_decoder(&stream_, kXzMemory, 0)) {}
  ~XzDecoder() override { lzma_end(&stream_); }

  Result<Step> step(Bytes in, MutableBytes out) override {
    if (state_ == LZMA_OK || state_ == LZMA_BUF_ERROR) {
      stream_.next_in = reinterpret_cast<const std::uint8_t*>(in.data());
      stream_.avail_in = in.size();
      stream_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
      stream_.avail_out = out.size();
      state_ = lzma_code(&stream_, LZMA_RUN);
    }
    switch (state_) {
      case LZMA_OK:
      case LZMA_STREAM_END:
      case LZMA_BUF_ERROR:
        break;
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

class ZstdDecoder final : public Decompressor {
 public:
  ZstdDecoder() : stream_(ZSTD_createDStream()) {
    if (stream_) (void)ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kZstdWindowLog);
  }

  Result<Step> step(Bytes in, MutableBytes out) override {
    if (!stream_) return no_memory("zstd");
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const auto result = ZSTD_decompressStream(stream_.get(), &to, &from);
    if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation) return no_memory("zstd");
    if (ZSTD_isError(result) != 0) return damaged("zstd", ZSTD_getErrorName(result));
    return Step{.taken = from.pos, .given = to.pos, .complete = result == 0};
  }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };
  std::unique_ptr<ZSTD_DStream, Free> stream_;
};

class Bzip2Decoder final : public Decompressor {
 public:
  Bzip2Decoder() : ready_(BZ2_bzDecompressInit(&stream_, 0, 0) == BZ_OK) {}
  ~Bzip2Decoder() override {
    if (ready_) BZ2_bzDecompressEnd(&stream_);
  }

  Result<Step> step(Bytes in, MutableBytes out) override {
    if (!ready_) return no_memory("bzip2");
    const auto in_size = static_cast<unsigned>(std::min(in.size(), kChunk));
    const auto out_size = static_cast<unsigned>(std::min(out.size(), kChunk));
    stream_.next_in = reinterpret_cast<char*>(const_cast<std::byte*>(in.data()));  // as with zlib
    stream_.avail_in = in_size;
    stream_.next_out = reinterpret_cast<char*>(out.data());
    stream_.avail_out = out_size;
    const int result = BZ2_bzDecompress(&stream_);
    if (result == BZ_MEM_ERROR) return no_memory("bzip2");
    if (result != BZ_OK && result != BZ_STREAM_END) return damaged("bzip2", "a checksum or a field is wrong");
    return Step{.taken = in_size - stream_.avail_in,
                .given = out_size - stream_.avail_out,
                .complete = result == BZ_STREAM_END};
  }

 private:
  bz_stream stream_{};
  bool ready_;
};

// Blocks that each have their compressed size before them and hold 8 MiB, but for the last one (lz4_Frame_format.md,
// "Legacy frame"). Nothing marks the end. A size of 0, padding, ends it as well, for the kernel since 5.14.
class Lz4Decoder final : public Decompressor {
 public:
  Result<Step> step(Bytes in, MutableBytes out) override {
    Step step;
    for (;;) {
      const std::size_t count = std::min(out.size(), block_.size() - given_);
      std::copy_n(block_.data() + given_, count, out.data());
      given_ += count;
      step.given += count;
      out = out.subspan(count);
      if (given_ < block_.size()) return step;
      step.complete = last_ || (in.empty() && expects_ == Expects::Size && taken_.empty());
      if (step.complete || !take(in, step)) return step;
      TRY(use_taken());
    }
  }

 private:
  enum class Expects : std::uint8_t { Magic, Size, Block };
  static constexpr std::size_t kWord = 4;
  static constexpr std::size_t kBlock = 8 * kMiB;

  // Of what is expected, until it is whole.
  bool take(Bytes& in, Step& step) {
    const std::size_t count = std::min(in.size(), needed_ - taken_.size());
    taken_.insert(taken_.end(), in.begin(), in.begin() + static_cast<std::ptrdiff_t>(count));
    in = in.subspan(count);
    step.taken += count;
    return taken_.size() == needed_;
  }

  Result<void> use_taken() {
    if (expects_ == Expects::Block) {
      TRY(decompress_block());
      expect(Expects::Size, kWord);
      return {};
    }
    const auto word = load_le<std::uint32_t>(taken_, 0).value_or(0);
    last_ = expects_ == Expects::Size && word == 0;
    if (expects_ == Expects::Magic || last_ || word == kMagic) {
      expect(Expects::Size, kWord);
      return {};
    }
    if (word > LZ4_COMPRESSBOUND(kBlock)) return damaged("lz4", "a block is too large");
    expect(Expects::Block, word);
    return {};
  }

  Result<void> decompress_block() {
    block_.resize(kBlock);
    const int length =
        LZ4_decompress_safe(reinterpret_cast<const char*>(taken_.data()), reinterpret_cast<char*>(block_.data()),
                            static_cast<int>(taken_.size()), static_cast<int>(kBlock));
    if (length < 0) return damaged("lz4", "a block is wrong");
    block_.resize(static_cast<std::size_t>(length));
    given_ = 0;
    last_ = block_.size() < kBlock;
    return {};
  }

  void expect(Expects what, std::size_t size) {
    expects_ = what;
    needed_ = size;
    taken_.clear();
  }

  static constexpr std::uint32_t kMagic = 0x184C2102;
  Expects expects_ = Expects::Magic;
  std::size_t needed_ = kWord;
  std::vector<std::byte> taken_;  // of what is expected
  std::vector<std::byte> block_;  // the last one, decompressed
  std::size_t given_ = 0;         // of that
  bool last_ = false;             // nothing follows it
};

}  // namespace

std::unique_ptr<Decompressor> make_decompressor(Compression compression) {
  switch (compression) {
    case Compression::Gzip:
      return std::make_unique<GzipDecoder>();
    case Compression::Xz:
      return std::make_unique<XzDecoder>();
    case Compression::Zstd:
      return std::make_unique<ZstdDecoder>();
    case Compression::Bzip2:
      return std::make_unique<Bzip2Decoder>();
    case Compression::Lz4:
      return std::make_unique<Lz4Decoder>();
    case Compression::None:
      break;
  }
  return nullptr;
}

}  // namespace vhdboot::modules
