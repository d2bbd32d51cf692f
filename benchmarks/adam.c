/* Adam on the sigmoid neuron and two points, for K runs: the ceiling for benchmarks/core.py.

   The history begins with the start, in entry 0: theta, m and v have shape (steps + 1, 2, K),
   loss has (steps + 1, K). Written so that compilers turn the loop over k into vector code. */
#include <math.h>
#include <stddef.h>

enum { N = 2 };

static void step(ptrdiff_t K, const double *X, const double *y, double eta, double beta1,
                 double beta2, double eps, double m_part, double v_part, const double *w,
                 const double *m, const double *v, double *restrict J, double *restrict w_next,
                 double *restrict m_next, double *restrict v_next)
{
#pragma GCC ivdep
    for (ptrdiff_t k = 0; k < K; k++) {
        double loss = 0, gw = 0, gb = 0;
        for (int i = 0; i < N; i++) {
            const double f = 1 / (1 + exp(-(w[k] * X[i] + w[K + k]))), e = f - y[i];
            const double delta = e * f * (1 - f);
            loss += 0.5 * e * e;
            gw += delta * X[i];
            gb += delta;
        }
        J[k] = loss;
        m_next[k] = beta1 * m[k] + (1 - beta1) * gw;
        m_next[K + k] = beta1 * m[K + k] + (1 - beta1) * gb;
        v_next[k] = beta2 * v[k] + (1 - beta2) * gw * gw;
        v_next[K + k] = beta2 * v[K + k] + (1 - beta2) * gb * gb;
        w_next[k] = w[k] - eta * m_next[k] / m_part / (sqrt(v_next[k] / v_part) + eps);
        w_next[K + k] =
            w[K + k] - eta * m_next[K + k] / m_part / (sqrt(v_next[K + k] / v_part) + eps);
    }
}

void adam(ptrdiff_t K, ptrdiff_t steps, const double *X, const double *y, double eta, double beta1,
          double beta2, double eps, double *theta, double *loss, double *m, double *v)
{
    for (ptrdiff_t t = 0; t < steps; t++) {
        const ptrdiff_t now = 2 * K * t, next = now + 2 * K;
        step(K, X, y, eta, beta1, beta2, eps, 1 - pow(beta1, t + 1), 1 - pow(beta2, t + 1),
             theta + now, m + now, v + now, loss + K * t, theta + next, m + next, v + next);
    }
    for (ptrdiff_t k = 0; k < K; k++) {
        const double *w = theta + 2 * K * steps;
        double last = 0;
        for (int i = 0; i < N; i++) {
            const double e = 1 / (1 + exp(-(w[k] * X[i] + w[K + k]))) - y[i];
            last += 0.5 * e * e;
        }
        loss[K * steps + k] = last;
    }
}
