/** Polynomials of elementary functions in float32, highest power first, and constants of their reductions, for all devices that compute in it. */

/** (eʳ − 1 − r) / r² for |r| ≤ ln 2 / 2; relative error of eʳ − 1 below 2⁻²⁶. */
export const EXP = [1.3882516e-3, 8.3665475e-3, 4.1667200e-2, 1.6666543e-1, 4.9999997e-1];
/** (ln(1 + f) − f + f²/2) / f³ for √½ ≤ 1 + f ≤ √2; relative error of ln(1 + f) below 2⁻²⁷. */
export const LOG = [
  -7.6344974e-2, 1.2761578e-1, -1.3160183e-1, 1.4201757e-1, -1.6623357e-1, 2.0001227e-1, -2.5000820e-1, 3.3333331e-1,
];
/** (sin r − r) / r³ and cos r as functions of r², for |r| ≤ π/4 (Cephes). */
export const SIN = [-1.9515296e-4, 8.3321609e-3, -1.6666655e-1];
export const COS = [2.4433157e-5, -1.3887316e-3, 4.1666646e-2, -0.5, 1];

/** ln 2 in two parts (Cephes). The first has so few bits that its product with an exponent is exact. */
export const LN2_HIGH = 0.693359375;
export const LN2_LOW = -2.12194440e-4;
