package io.sluice.instrumentation.apachehttpclient5;

/** The pool of segments, from 5.6 on. */
class OffLockPoolContractTest extends PoolingContract {
    OffLockPoolContractTest() {
        super("OFFLOCK");
    }
}
