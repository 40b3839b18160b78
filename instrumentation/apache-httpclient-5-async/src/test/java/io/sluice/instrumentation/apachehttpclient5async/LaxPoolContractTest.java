package io.sluice.instrumentation.apachehttpclient5async;

class LaxPoolContractTest extends PoolingContract {
    LaxPoolContractTest() {
        super("LAX");
    }
}
