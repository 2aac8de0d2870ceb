/** Lists that come page by page. */
import { type InfiniteData, infiniteQueryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { request } from "./client.ts";

export interface ListPage<T> {
  items: T[];
  nextCursor: string | undefined;
}

/** Reads a list page by page; `path` may carry a query already. */
export function pagedQuery<T extends z.ZodType>(queryKey: readonly unknown[], path: string, item: T) {
  return infiniteQueryOptions({
    queryKey,
    initialPageParam: "",
    queryFn: async ({ pageParam, signal }): Promise<ListPage<z.output<T>>> => {
      const url = pageParam
        ? `${path}${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(pageParam)}`
        : path;
      const { data, metadata } = await request(url, z.array(item), { signal });
      return { items: data as z.output<T>[], nextCursor: metadata.nextCursor };
    },
    getNextPageParam: (page) => page.nextCursor,
  });
}

export function allItems<T>(data: InfiniteData<ListPage<T>> | undefined): T[] {
  return data?.pages.flatMap((page) => page.items) ?? [];
}
