package io.sluice.agent.child;

/** Threads that keep no program from ending, for clients that would keep it by threads of their own. */
final class Daemons {
    private Daemons() {}

    static Thread thread(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        return thread;
    }
}
