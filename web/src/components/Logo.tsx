export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" fill="none" className={className} aria-hidden>
      <rect width="32" height="32" rx="8" fill="#0d5c75" />
      <path
        d="M8 10.5 13.5 16 8 21.5"
        stroke="#fff"
        strokeWidth="3"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <path d="M17 21.5h3.5" stroke="#8fd3e8" strokeWidth="3" strokeLinecap="round" />
      <circle cx="24" cy="10.5" r="2.5" fill="#8fd3e8" />
    </svg>
  );
}
