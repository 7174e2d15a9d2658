// oneDNN as a runtime: the layers of a network as one chain of primitives, built call by call by worker.py.
//
// Activations lie channels last, as oneDNN's kernels of codes want them; weights in whatever order a primitive asks for.
// Functions return the number of a value, or below 0 after an error, which onednn_error explains.
#include <dnnl.hpp>

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

using namespace dnnl;
using tag = memory::format_tag;
using type = memory::data_type;

namespace {
std::string failure;

struct step {
    primitive p;
    std::unordered_map<int, memory> args;
};

struct value {
    memory m;
    float scale;
    int zero;
};

struct net {
    engine e{engine::kind::cpu, 0};
    stream s{e};
    std::vector<value> values;
    std::vector<step> steps;
    std::string kernels;

    static memory::desc desc(memory::dims d) { return {d, type::u8, d.size() == 4 ? tag::nhwc : tag::ab}; }
    int add(memory m, float scale, int zero) {
        values.push_back({m, scale, zero});
        return int(values.size()) - 1;
    }
    template <class T> memory constant(memory::dims d, type t, tag f, const T *data) {
        memory m({d, t, f}, e);
        std::memcpy(m.get_data_handle(), data, m.get_desc().get_size());
        return m;
    }
    memory scales(const float *s, long n) { return constant({n}, type::f32, tag::x, s); }
    memory as(memory from, memory::desc d) {
        if (from.get_desc() == d) return from;
        memory to(d, e);
        reorder(from, to).execute(s, from, to);
        s.wait();
        return to;
    }
    // says that an argument is codes of this scale and zero point
    void codes(primitive_attr &a, std::unordered_map<int, memory> &args, int arg, float s, int z) {
        a.set_scales_mask(arg, 0);
        args[DNNL_ARG_ATTR_SCALES | arg] = scales(&s, 1);
        if (z) {
            a.set_zero_points_mask(arg, 0);
            args[DNNL_ARG_ATTR_ZERO_POINTS | arg] = constant({1}, type::s32, tag::x, &z);
        }
    }
    void push(primitive p, std::unordered_map<int, memory> args, const char *kernel) {
        steps.push_back({p, args});
        kernels += std::string(kernel) + " ";
    }
};

template <class F> int guarded(F f) {
    try {
        return f();
    } catch (const dnnl::error &e) {
        failure = e.what();
    } catch (const std::exception &e) {
        failure = e.what();
    }
    return -1;
}
} // namespace

extern "C" {
const char *onednn_error() { return failure.c_str(); }
int onednn_version() { return version()->major * 10000 + version()->minor * 100 + version()->patch; }

net *onednn_new() {
    net *n = nullptr;
    guarded([&] {
        n = new net;
        return 0;
    });
    return n;
}
void onednn_free(net *n) { delete n; }
const char *onednn_kernels(net *n) { return n->kernels.c_str(); }

// The input, floats [N, C, H, W], which becomes codes.
int onednn_input(net *n, long b, long c, long h, long w, float scale, int zero) {
    return guarded([&] {
        memory in({{b, c, h, w}, type::f32, tag::nchw}, n->e), out(n->desc({b, c, h, w}), n->e);
        n->add(in, 0, 0);
        primitive_attr a;
        std::unordered_map<int, memory> args{{DNNL_ARG_FROM, in}, {DNNL_ARG_TO, out}};
        n->codes(a, args, DNNL_ARG_DST, scale, zero);
        reorder::primitive_desc pd(in, out, a);
        n->push(reorder(pd), args, pd.impl_info_str());
        return n->add(out, scale, zero);
    });
}

// A convolution with its bias (of reals), what is added to it (other: -1 or a value that nobody reads any more) and a
// Relu or Clip (high: 0 means none, infinity a Relu). shape: C, KH, KW, strides, pads before and after, groups.
int onednn_conv(net *n, int src, const int *shape, const int8_t *weights, const float *weight_scales, const float *bias,
                float scale, int zero, int other, float high) {
    return guarded([&] {
        value in = n->values[src];
        auto d = in.m.get_desc().get_dims();
        long o = shape[0], kh = shape[1], kw = shape[2], sh = shape[3], sw = shape[4], t = shape[5], l = shape[6],
             b = shape[7], r = shape[8], g = shape[9];
        long h = (d[2] + t + b - kh) / sh + 1, w = (d[3] + l + r - kw) / sw + 1;
        memory::dims wd = g == 1 ? memory::dims{o, d[1], kh, kw} : memory::dims{g, o / g, d[1] / g, kh, kw};
        memory::desc od = n->desc({d[0], o, h, w});
        primitive_attr a;
        post_ops po;
        std::unordered_map<int, memory> args;
        if (other >= 0) po.append_sum(n->values[other].scale, n->values[other].zero);
        // codes from 0 on need no Relu, and no Clip that ends where they do
        bool clips = high > 0 && (zero != 0 || (std::isfinite(high) && scale * 255 > high * 1.002f));
        if (clips && std::isfinite(high)) po.append_eltwise(algorithm::eltwise_clip, 0.f, high);
        else if (clips) po.append_eltwise(algorithm::eltwise_relu, 0.f, 0.f);
        a.set_post_ops(po);
        n->codes(a, args, DNNL_ARG_SRC, in.scale, in.zero);
        n->codes(a, args, DNNL_ARG_DST, scale, zero);
        a.set_scales_mask(DNNL_ARG_WEIGHTS, g == 1 ? 1 : 3);
        args[DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS] = n->scales(weight_scales, o);
        convolution_forward::primitive_desc pd(
            n->e, prop_kind::forward_inference, algorithm::convolution_direct, in.m.get_desc(),
            memory::desc(wd, type::s8, tag::any), memory::desc({o}, type::f32, tag::x), od, {sh, sw}, {t, l}, {b, r}, a);
        memory plain = n->constant(wd, type::s8, g == 1 ? tag::oihw : tag::goihw, weights);
        memory out = other >= 0 ? n->values[other].m : memory(od, n->e);
        args[DNNL_ARG_SRC] = in.m;
        args[DNNL_ARG_WEIGHTS] = n->as(plain, pd.weights_desc());
        args[DNNL_ARG_BIAS] = n->constant({o}, type::f32, tag::x, bias);
        args[DNNL_ARG_DST] = out;
        n->push(convolution_forward(pd), args, pd.impl_info_str());
        return n->add(out, scale, zero);
    });
}

// A fully connected layer over what is [N, K] or [N, K, 1, 1]; weights [C, K].
int onednn_linear(net *n, int src, long c, const int8_t *weights, const float *weight_scales, const float *bias, float scale,
                  int zero) {
    return guarded([&] {
        value in = n->values[src];
        auto d = in.m.get_desc().get_dims();
        long k = 1;
        for (size_t i = 1; i < d.size(); i++) k *= d[i];
        memory::desc flat({d[0], k}, type::u8, tag::ab), od = n->desc({d[0], c});
        memory src2(flat, n->e, in.m.get_data_handle());
        primitive_attr a;
        std::unordered_map<int, memory> args;
        n->codes(a, args, DNNL_ARG_SRC, in.scale, in.zero);
        n->codes(a, args, DNNL_ARG_DST, scale, zero);
        a.set_scales_mask(DNNL_ARG_WEIGHTS, 2);
        args[DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS] = n->scales(weight_scales, c);
        matmul::primitive_desc pd(n->e, flat, memory::desc({k, c}, type::s8, tag::any),
                                  memory::desc({1, c}, type::f32, tag::ab), od, a);
        memory plain = n->constant({k, c}, type::s8, tag::ba, weights);
        memory out(od, n->e);
        args[DNNL_ARG_SRC] = src2;
        args[DNNL_ARG_WEIGHTS] = n->as(plain, pd.weights_desc());
        args[DNNL_ARG_BIAS] = n->constant({1, c}, type::f32, tag::ab, bias);
        args[DNNL_ARG_DST] = out;
        n->push(matmul(pd), args, pd.impl_info_str());
        return n->add(out, scale, zero);
    });
}

// Pooling by the maximum or the mean, the latter over whole pictures where kernel is 0. shape as of a convolution.
int onednn_pool(net *n, int src, const int *shape, int mean, float scale, int zero) {
    return guarded([&] {
        value in = n->values[src];
        auto d = in.m.get_desc().get_dims();
        long kh = shape[0], kw = shape[1], sh = shape[2], sw = shape[3], t = shape[4], l = shape[5], b = shape[6],
             r = shape[7];
        if (kh == 0) kh = sh = d[2], kw = sw = d[3];
        long h = (d[2] + t + b - kh) / sh + 1, w = (d[3] + l + r - kw) / sw + 1;
        primitive_attr a;
        if ((scale != in.scale || zero != in.zero)) {
            post_ops po;
            po.append_eltwise(algorithm::eltwise_linear, in.scale / scale, zero - in.zero * in.scale / scale);
            a.set_post_ops(po);
        }
        pooling_forward::primitive_desc pd(
            n->e, prop_kind::forward_inference, mean ? algorithm::pooling_avg_exclude_padding : algorithm::pooling_max,
            in.m.get_desc(), n->desc({d[0], d[1], h, w}), {sh, sw}, {kh, kw}, {0, 0}, {t, l}, {b, r}, a);
        memory out(pd.dst_desc(), n->e);
        n->push(pooling_forward(pd), {{DNNL_ARG_SRC, in.m}, {DNNL_ARG_DST, out}}, pd.impl_info_str());
        return n->add(out, scale, zero);
    });
}

// A copy of count channels from first on, or of all where count is -1, of every pixel or every second one, with channels of 0
// before and after.
int onednn_slice(net *n, int src, long first, long count, long stride, long before, long after) {
    return guarded([&] {
        value in = n->values[src];
        auto d = in.m.get_desc().get_dims();
        if (count < 0) count = d[1];
        long h = (d[2] + stride - 1) / stride, w = (d[3] + stride - 1) / stride;
        memory::desc whole = n->desc({d[0], before + count + after, h, w});
        memory out(whole, n->e);
        if (before + after > 0) { // in each run, since a sum may overwrite them
            memory zeros(whole, n->e);
            std::memset(zeros.get_data_handle(), in.zero, whole.get_size());
            reorder::primitive_desc pd(zeros, out);
            n->push(reorder(pd), {{DNNL_ARG_FROM, zeros}, {DNNL_ARG_TO, out}}, pd.impl_info_str());
        }
        memory::desc view({d[0], count, h, w}, type::u8,
                          memory::dims{d[1] * d[2] * d[3], 1, stride * d[1] * d[3], stride * d[1]});
        memory from(view, n->e, (char *)in.m.get_data_handle() + first);
        memory::desc part = out.get_desc().submemory_desc({d[0], count, h, w}, {0, before, 0, 0});
        memory to(part, n->e, out.get_data_handle());
        reorder::primitive_desc pd(n->e, view, n->e, part);
        n->push(reorder(pd), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}}, pd.impl_info_str());
        return n->add(out, in.scale, in.zero);
    });
}

int onednn_concat(net *n, const int *src, int count, float scale, int zero) {
    return guarded([&] {
        std::vector<memory::desc> parts;
        std::unordered_map<int, memory> args;
        primitive_attr a;
        for (int i = 0; i < count; i++) {
            parts.push_back(n->values[src[i]].m.get_desc());
            value v = n->values[src[i]];
            args[DNNL_ARG_MULTIPLE_SRC + i] = v.m;
            if (v.scale == scale && v.zero == zero) continue;
            if (v.zero || zero) throw std::runtime_error("codes of several zero points");
            float ratio = v.scale / scale;
            a.set_scales_mask(DNNL_ARG_MULTIPLE_SRC + i, 0);
            args[DNNL_ARG_ATTR_SCALES | (DNNL_ARG_MULTIPLE_SRC + i)] = n->scales(&ratio, 1);
        }
        auto d = parts[0].get_dims();
        d[1] = 0;
        for (auto &p : parts) d[1] += p.get_dims()[1];
        concat::primitive_desc pd(n->e, n->desc(d), 1, parts, a);
        memory out(pd.dst_desc(), n->e);
        args[DNNL_ARG_DST] = out;
        n->push(concat(pd), args, pd.impl_info_str());
        return n->add(out, scale, zero);
    });
}

// Channels groups×size become size×groups, as a ShuffleNet does.
int onednn_shuffle(net *n, int src, long groups) {
    return guarded([&] {
        value in = n->values[src];
        auto d = in.m.get_desc();
        shuffle_forward::primitive_desc pd(n->e, prop_kind::forward_inference, d, d, 1, d.get_dims()[1] / groups);
        memory out(d, n->e);
        n->push(shuffle_forward(pd), {{DNNL_ARG_SRC, in.m}, {DNNL_ARG_DST, out}}, pd.impl_info_str());
        return n->add(out, in.scale, in.zero);
    });
}

// The output as floats [N, C].
int onednn_output(net *n, int src) {
    return guarded([&] {
        value in = n->values[src];
        auto d = in.m.get_desc().get_dims();
        memory from({{d[0], d[1]}, type::u8, tag::ab}, n->e, in.m.get_data_handle());
        memory out({{d[0], d[1]}, type::f32, tag::ab}, n->e);
        primitive_attr a;
        std::unordered_map<int, memory> args{{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, out}};
        n->codes(a, args, DNNL_ARG_SRC, in.scale, in.zero);
        reorder::primitive_desc pd(from, out, a);
        n->push(reorder(pd), args, pd.impl_info_str());
        return n->add(out, 0, 0);
    });
}

// Runs the chain on floats at in, whose values end in out.
int onednn_run(net *n, const float *in, float *out) {
    return guarded([&] {
        n->values[0].m.set_data_handle((void *)in);
        n->steps[0].args[DNNL_ARG_FROM] = n->values[0].m;
        for (auto &x : n->steps) x.p.execute(n->s, x.args);
        n->s.wait();
        memory &last = n->values.back().m;
        std::memcpy(out, last.get_data_handle(), last.get_desc().get_size());
        return 0;
    });
}

// Runs the chain for about so many seconds, going around the inputs, and notes how long each took, by the clock or in time of
// processors.
int onednn_turn(net *n, const float *const *in, int inputs, float *out, double seconds, int cpu, double *times, int most) {
    auto read = [](clockid_t clock) {
        timespec t;
        clock_gettime(clock, &t);
        return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
    };
    auto now = [&] { return read(CLOCK_MONOTONIC); };
    int count = 0;
    for (double begin = now(); count < most && (count == 0 || now() - begin < seconds); count++) {
        clockid_t clock = cpu ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
        double start = read(clock);
        if (onednn_run(n, in[count % inputs], out) < 0) return -1;
        times[count] = read(clock) - start;
    }
    return count;
}
}
