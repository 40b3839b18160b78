package io.sluice.agent.child;

/** An HTTP client library as a program uses it, with a pool of its own where the library has pools. For any thread. */
public interface Client {
    /** Asks and reads the whole answer. Blocks until it is there. */
    Answer get(String url) throws Exception;

    /** A status and a body. */
    final class Answer {
        private final int status;
        private final String body;

        public Answer(int status, String body) {
            this.status = status;
            this.body = body;
        }

        public int status() {
            return status;
        }

        public String body() {
            return body;
        }
    }
}
