package io.sluice.instrumentation.apachehttpclient5async;

class StrictPoolContractTest extends PoolingContract {
    StrictPoolContractTest() {
        super("STRICT");
    }
}
