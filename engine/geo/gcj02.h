/* gcj02.h -- the shifted coordinates of Chinese web maps, and back.
 *
 * GCJ-02 (Gaode, Tencent) by the publicly known reconstruction, and BD-09 (Baidu) on top of it. The inverse is the
 * fixed point of the forward function, iterated to below a centimetre. Outside China (as the reconstruction has its
 * rectangle) nothing is shifted. Degrees, doubles: for display and for taking in drawings only; nothing that a finding
 * is made of passes through here. The honest claim is +-1 m. Pure. */
#ifndef ZAYTON_GEO_GCJ02_H
#define ZAYTON_GEO_GCJ02_H

struct degrees {
	double lat, lon;
};
struct degrees gcj02_from_wgs84(struct degrees p);
struct degrees gcj02_to_wgs84(struct degrees p);
struct degrees bd09_from_gcj02(struct degrees p);
struct degrees bd09_to_gcj02(struct degrees p);

#endif
