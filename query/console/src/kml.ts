/* kml.ts -- the placemarks of a KML file as GeoJSON features: polygons with holes, lines, points; ExtendedData as
 * properties. Pure. */
export function kmlFeatures(text: string): GeoJSON.Feature[] {
  const root = new DOMParser().parseFromString(text, 'application/xml');
  if (root.querySelector('parsererror')) throw new Error('KML');
  const points = (e: Element | null): [number, number][] => (e?.querySelector('coordinates')?.textContent ?? '').trim().split(/\s+/).filter(Boolean).map((c) => { const [lon, lat] = c.split(',').map(Number); return [lon!, lat!]; });
  const geometry = (e: Element): GeoJSON.Geometry[] => [
    ...[...e.querySelectorAll('Polygon')].map((p): GeoJSON.Geometry => ({ type: 'Polygon', coordinates: [points(p.querySelector('outerBoundaryIs')), ...[...p.querySelectorAll('innerBoundaryIs')].map(points)] })),
    ...[...e.querySelectorAll('LineString')].map((p): GeoJSON.Geometry => ({ type: 'LineString', coordinates: points(p) })),
    ...[...e.querySelectorAll('Point')].map((p): GeoJSON.Geometry => ({ type: 'Point', coordinates: points(p)[0]! })),
  ];
  return [...root.querySelectorAll('Placemark')].flatMap((mark) => {
    const properties: Record<string, string> = { name: mark.querySelector('name')?.textContent?.trim() ?? '' };
    mark.querySelectorAll('Data').forEach((d) => { properties[d.getAttribute('name') ?? ''] = d.querySelector('value')?.textContent?.trim() ?? ''; });
    mark.querySelectorAll('SimpleData').forEach((d) => { properties[d.getAttribute('name') ?? ''] = d.textContent?.trim() ?? ''; });
    const all = geometry(mark), id = properties.id || mark.getAttribute('id') || '';
    return all.map((g, i): GeoJSON.Feature => ({ type: 'Feature', properties: { ...properties, id: all.length > 1 ? `${id}-${i + 1}` : id }, geometry: g }));
  });
}
