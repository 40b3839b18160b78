package io.sluice.instrumentation.apachehttpclient5async;

class OffLockPoolContractTest extends PoolingContract {
    OffLockPoolContractTest() {
        super("OFFLOCK");
    }
}
