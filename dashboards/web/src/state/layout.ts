// Tiles of unlike height laid out in columns, area by area, without holes. Pure.
import type { AreaView, EquipmentView } from "../api/types.ts";

export interface Sized {
  equipment: EquipmentView;
  height: number;
}
export interface Group {
  area: AreaView;
  tiles: Sized[];
}

const HEADING = 1.6;

/** A column opens with the name of the area that it goes on with, so that no tile stands without one. */
function fill(groups: readonly Group[], capacity: number): Group[][] {
  const columns: Group[][] = [[]];
  let height = 0;
  for (const group of groups) {
    let part: Group | null = null;
    for (const tile of group.tiles) {
      const needed = tile.height + (part ? 0 : HEADING);
      if (height > 0 && height + needed > capacity) {
        columns.push([]);
        height = 0;
        part = null;
      }
      if (!part) {
        part = { area: group.area, tiles: [] };
        columns.at(-1)?.push(part);
        height += HEADING;
      }
      part.tiles.push(tile);
      height += tile.height;
    }
  }
  return columns;
}

/** Height of one column, in lines. */
export function linesOf(column: readonly Group[]): number {
  return column.reduce((sum, group) => sum + HEADING + group.tiles.reduce((lines, tile) => lines + tile.height, 0), 0);
}

/** The lowest layout in at most `count` columns that keeps the order; heights are in lines. */
export function intoColumns(groups: readonly Group[], count: number): Group[][] {
  const all = groups.flatMap((group) => group.tiles.map((tile) => tile.height + HEADING));
  let low = Math.max(0, ...all);
  let high = all.reduce((sum, height) => sum + height, 0);
  if (fill(groups, low).length <= count) return fill(groups, low);
  while (high - low > 0.25) {
    const middle = (low + high) / 2;
    if (fill(groups, middle).length <= count) high = middle;
    else low = middle;
  }
  return fill(groups, high);
}
