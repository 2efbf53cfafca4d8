/**
 * What an adapter offers beyond its port, and where a wrapper keeps it reachable. A port whose adapters may offer extras extends
 * this with a record of them, by name: `interface MirrorTarget extends Layered<MirrorExtras>`.
 */
export interface Layered<Extras extends object> {
  /** The adapter that this one wraps; absent where it wraps none. Every wrapper gives it, so that extras below stay reachable. */
  readonly wraps?: Layered<Extras>;
  /** What this layer itself adds to the port. */
  readonly extras?: Partial<Extras>;
}

/** An extra of a port's adapter or of anything that it wraps, the outermost first; undefined when no layer offers it. */
export function unwrap<Extras extends object, Name extends keyof Extras>(
  port: Layered<Extras>,
  name: Name,
): Extras[Name] | undefined {
  for (let layer: Layered<Extras> | undefined = port; layer !== undefined; layer = layer.wraps) {
    const found: Extras[Name] | undefined = layer.extras?.[name];
    if (found !== undefined) return found;
  }
  return undefined;
}
