package io.sluice.limiter;

/** Where the time comes from; replaced in tests. */
public abstract class Clock {
    /** The machine's clocks. */
    public static final Clock SYSTEM = new Clock() {
        @Override
        public long nanoTime() {
            return System.nanoTime();
        }

        @Override
        public long epochMillis() {
            return System.currentTimeMillis();
        }
    };

    /** Nanoseconds since an arbitrary moment, never running backwards. */
    public abstract long nanoTime();

    /** Milliseconds since the epoch. */
    public abstract long epochMillis();
}
