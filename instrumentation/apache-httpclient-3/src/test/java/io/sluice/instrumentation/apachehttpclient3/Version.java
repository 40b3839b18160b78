package io.sluice.instrumentation.apachehttpclient3;

/** What differs between the versions that are tested. */
final class Version {
    /** The version of the client, as its execution names it. */
    static final String CLIENT = System.getProperty("httpclient.version", "3.1");

    /** Whether an interrupt ends a wait for the pool. */
    static final boolean INTERRUPTIBLE = CLIENT.equals("3.1");

    private Version() {}
}
