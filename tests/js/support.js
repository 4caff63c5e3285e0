// The modules under test, where the package keeps them; messages as the kernel encodes them.

export const STATIC = new URL('../../locshare_ext/widget/labextension/static/', import.meta.url);

export const load = name => import(new URL(name, STATIC).href);

/** Return decoded columns of fixes [{member, time, received, lat, lon, speed}], as a message has them. */
export async function columnsOf(fixes) {
  const { xOf, yOf } = await load('projection.js');
  const column = (values, base = 0) => ({ values, base });
  const columns = {
    member: column(Uint32Array.from(fixes, fix => fix.member ?? 0)),
    time: column(Uint32Array.from(fixes, fix => fix.time - 1000000), 1000000),
    x: column(Uint32Array.from(fixes, fix => xOf(fix.lon ?? 0))),
    y: column(Uint32Array.from(fixes, fix => yOf(fix.lat ?? 0))),
  };
  if (fixes.some(fix => fix.received)) columns.received = column(Float64Array.from(fixes, fix => fix.received ?? 0));
  if (fixes.some(fix => fix.speed !== undefined)) columns.speed = column(Float32Array.from(fixes, fix => fix.speed ?? NaN));
  return columns;
}
