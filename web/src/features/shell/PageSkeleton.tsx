import { Skeleton } from "../../components/Skeleton.tsx";

/** The app's frame while it finds out who is there. */
export function PageSkeleton() {
  return (
    <div className="flex h-dvh" role="status" aria-label="Loading">
      <div className="hidden w-56 space-y-3 border-r border-line px-4 py-5 md:block">
        <Skeleton className="mb-7 h-6 w-32" />
        <Skeleton className="w-24" />
        <Skeleton className="w-28" />
        <Skeleton className="w-20" />
      </div>
      <div className="flex-1 space-y-4 px-4 py-6 sm:px-8">
        <Skeleton className="h-6 w-40" />
        <Skeleton className="h-40 w-full max-w-5xl rounded-lg" />
      </div>
    </div>
  );
}
